import "@mantine/core/styles.css";
import "uplot/dist/uPlot.min.css";
import "./app.css";
import { MantineProvider, createTheme, localStorageColorSchemeManager } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { newQueryClient } from "./api/queries";
import { router } from "./routes";

const queries = newQueryClient();

// Mantine writes its variables into a <style> element, which the page's policy forbids: app.css has what differs.
createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <MantineProvider
      theme={createTheme({ primaryColor: "teal", respectReducedMotion: true, cursorType: "pointer" })}
      colorSchemeManager={localStorageColorSchemeManager({ key: "tenure-colour-scheme" })}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
