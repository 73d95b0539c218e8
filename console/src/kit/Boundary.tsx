import { Component, type ReactNode } from "react";
import { ProblemPanel } from "./ProblemPanel";

/** Keeps a fault of one screen from taking the others with it. */
export class Boundary extends Component<{ children: ReactNode; place: string }, { error: Error | null; place: string }> {
  override state = { error: null as Error | null, place: this.props.place };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  static getDerivedStateFromProps(props: { place: string }, state: { place: string; error: Error | null }) {
    return props.place === state.place ? null : { error: null, place: props.place };
  }

  override render() {
    if (this.state.error) return <ProblemPanel problem={this.state.error} again={() => this.setState({ error: null })} />;
    return this.props.children;
  }
}
