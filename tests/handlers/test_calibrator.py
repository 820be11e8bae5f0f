"""Progress learns from how long queries took to their answer, by backend and profile."""

from tests.handlers.house import Gate, House, saying, with_server


def test_an_answer_teaches_how_long_its_profile_takes() -> None:
    async def scenario(house: House) -> None:
        for username in ("VitalikButerin", "VitalikButerin", "TornadoGuide"):
            await house.ask(username=username)
        calibration = house.server.rooms.calibration
        counts = [
            len(calibration.durations((house.server.rooms.backend, name)))
            for name in ("VitalikButerin", "TornadoGuide", "小助手")
        ]
        assert counts == [2, 1, 0]

    with_server(saying("hi"), scenario)


def test_a_query_that_gave_no_answer_teaches_nothing() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        assert (await house.ask(timeout=0.05)).frames[-1].status == "timeout"
        assert house.server.rooms.calibration.durations((house.server.rooms.backend, "VitalikButerin")) == ()
        gate.opened.set()

    with_server(gate, scenario)
