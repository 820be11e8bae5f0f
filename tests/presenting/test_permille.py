import pytest

from streamchat.presenting.permille import PERMILLE, permille_of


@pytest.mark.parametrize(
    ("position", "total", "tenths"),
    [(0, 3, 0), (1, 3, 333), (2, 3, 667), (3, 3, PERMILLE), (1, 2_000, 1), (1, 2_001, 0)],
)
def test_a_share_is_a_whole_number_of_tenths_and_half_of_one_counts(position, total, tenths):
    assert permille_of(position, total) == tenths
