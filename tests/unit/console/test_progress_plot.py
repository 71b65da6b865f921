"""A plot of progress: the band of measurement error, which dots are filled, and where the line is broken."""

from __future__ import annotations

from services.console.pages.progress.plot import HEIGHT, LEFT, RIGHT, WIDTH, Plot, Value, plot

WORDS = ("first", "within", "beyond")


def value(number: float, visit: int, *, beyond: bool | None = False, broken: bool = False) -> Value:
    return Value(when=f"day {visit}", value=number, beyond=beyond, broken=broken, visit=visit)


def made(*values: Value, error: float | None = 10.0, visits: int = 3, **more: object) -> Plot:
    return plot(values, visits, error=error, unit="°", words=WORDS, **more)  # type: ignore[arg-type]


def test_the_band_is_the_baseline_and_its_error() -> None:
    drawn = made(value(52, 0, beyond=None), value(58, 1), value(66, 2, beyond=True))
    band = drawn.band
    assert band is not None
    assert band.label == "±10°"
    within, beyond = drawn.dots[1], drawn.dots[2]
    assert band.y <= within.y <= band.y + band.height
    assert beyond.y < band.y
    assert [dot.filled for dot in drawn.dots] == [False, False, True]
    assert [dot.word for dot in drawn.dots] == ["first", "within", "beyond"]


def test_higher_values_stand_higher_and_visits_follow_one_another() -> None:
    drawn = made(value(50, 0, beyond=None), value(40, 1), value(60, 2))
    assert drawn.dots[2].y < drawn.dots[0].y < drawn.dots[1].y
    assert [dot.x for dot in drawn.dots] == sorted(dot.x for dot in drawn.dots)
    assert drawn.dots[0].x == LEFT
    assert drawn.dots[2].x == WIDTH - RIGHT


def test_the_line_is_broken_where_it_was_measured_otherwise() -> None:
    drawn = made(value(50, 0, beyond=None), value(52, 1, broken=True), value(53, 2, broken=True))
    assert [(line.x1, line.x2) for line in drawn.lines] == [(drawn.dots[1].x, drawn.dots[2].x)]


def test_without_a_known_error_there_is_no_band() -> None:
    assert made(value(50, 0, beyond=None), value(50, 2), error=None).band is None


def test_the_band_does_not_leave_what_the_values_can_be() -> None:
    drawn = made(value(9, 0, beyond=None), value(8, 1), error=2, limits=(0.0, 10.0))
    band = drawn.band
    assert band is not None
    assert band.y <= drawn.dots[0].y <= band.y + band.height
    assert band.y >= 0
    assert band.y + band.height <= HEIGHT


def test_the_text_of_a_reference_keeps_off_the_first_value() -> None:
    above = made(value(72, 0, beyond=None), value(80, 1), reference=65, reference_text="reference 65°")
    below = made(value(45, 0, beyond=None), value(50, 1), reference=65, reference_text="reference 65°")
    assert above.reference_y is not None
    assert below.reference_y is not None
    assert above.reference_text_y > above.reference_y
    assert below.reference_text_y < below.reference_y
