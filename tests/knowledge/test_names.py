"""A word people type leads to ids; a group word to all its members; nothing is decided silently."""

from __future__ import annotations

import pytest

from knowledge.load import load
from knowledge.model import KnowledgeBase
from knowledge.names import did_you_mean, suggest


@pytest.fixture(scope="module")
def base() -> KnowledgeBase:
    return load()


@pytest.mark.parametrize(
    ("word", "members"),
    [
        ("SCM", ("sternocleidomastoid_sternal_division", "sternocleidomastoid_clavicular_division")),
        ("traps", ("upper_trapezius", "middle_trapezius", "lower_trapezius")),
        (
            "hamstring",
            ("biceps_femoris_long_head", "biceps_femoris_short_head", "semitendinosus", "semimembranosus"),
        ),
        ("Rotator Cuff", ("supraspinatus", "infraspinatus", "teres_minor", "subscapularis")),
        ("calfs", ("gastrocnemius_medial_head", "gastrocnemius_lateral_head", "soleus", "plantaris")),
    ],
)
def test_a_group_word_leads_to_all_its_members(base: KnowledgeBase, word: str, members: tuple[str, ...]) -> None:
    assert suggest(base.muscles, word, base.muscle_groups) == members
    assert did_you_mean(base.muscles, word, base.muscle_groups) == f"; did you mean {' or '.join(members)}?"


@pytest.mark.parametrize("word", ["SCM", "traps", "quads", "glutes", "hamstrings", "calf", "rotator cuff", "adductors"])
def test_words_of_the_street_are_known(base: KnowledgeBase, word: str) -> None:
    assert len(suggest(base.muscles, word, base.muscle_groups)) > 1


def test_the_beginning_of_a_name_is_enough(base: KnowledgeBase) -> None:
    assert suggest(base.muscles, "levator") == ("levator_ani", "levator_scapulae")
    assert suggest(base.muscles, "infraspinat") == ("infraspinatus",)


def test_a_name_that_is_clear_stands_alone(base: KnowledgeBase) -> None:
    assert suggest(base.muscles, "upper trapezus", base.muscle_groups) == ("upper_trapezius",)
    assert suggest(base.muscles, "QL", base.muscle_groups) == ("quadratus_lumborum",)


def test_every_part_is_a_member_of_its_whole(base: KnowledgeBase) -> None:
    for muscle in base.muscles.values():
        if muscle.parent:
            assert muscle.id in base.muscle_groups[muscle.parent].members
