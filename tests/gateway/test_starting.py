"""A gateway that starts after another one's death: it takes over its stream, its keys, and not its damage."""

import asyncio
from pathlib import Path

from tenure.adapters.decision_log.claims import Claims, InFlight, Reserved
from tenure.adapters.decision_log.writer import LogWriter
from tenure.app.gateway import Gateway
from tenure.kit.clock import SystemClock
from tenure.settings import Home


def test_the_keys_of_a_dead_gateway_are_free_again_for_its_successor_on_the_same_stream(tmp_path: Path) -> None:
    home = Home(tmp_path)

    async def scenario() -> None:
        await Gateway(home, lambda: "http://here").close()
        claims = Claims(home.claims_db, clock=SystemClock())
        assert isinstance(claims.reserve("offers", "once", "body", "decision", "gateway-1"), Reserved)
        assert isinstance(claims.reserve("offers", "once", "body", "another", "gateway-2"), InFlight)
        successor = Gateway(home, lambda: "http://here")
        assert isinstance(claims.reserve("offers", "once", "body", "another", "gateway-2"), Reserved)
        claims.close()
        await successor.close()

    asyncio.run(scenario())


def test_a_stream_with_a_flipped_byte_is_left_as_it_is_and_answers_go_on_in_the_next(tmp_path: Path) -> None:
    home = Home(tmp_path)

    async def scenario() -> None:
        writer = LogWriter.open(home.decisions, "gateway-1")
        for nth in range(3):
            await writer.append(b'{"v":1,"kind":"decision","id":"%d"}' % nth)
        await writer.close()
        segment = next((home.decisions / "streams" / "gateway-1").glob("*.segment"))
        content = bytearray(segment.read_bytes())
        content[content.index(b'"id":"0"') + 2] ^= 1
        segment.write_bytes(content)
        gateway = Gateway(home, lambda: "http://here")
        await gateway.log.append(b'{"v":1,"kind":"decision","id":"new"}')
        await gateway.close()
        assert segment.read_bytes() == content
        assert (home.decisions / "streams" / "gateway-2").is_dir()

    asyncio.run(scenario())
