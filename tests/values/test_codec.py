"""Values survive JSON: whatever a value holds comes back as it was, and what is no value is refused in words."""

from dataclasses import dataclass, field

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from ordain.values.address import Address, Reference
from ordain.values.codec import canonical, decode, dumps, loads, plain, revive
from ordain.values.data import Secret, Unknown
from ordain.values.fingerprint import Fingerprint
from ordain.values.record import Health, ResourceRecord, Verdict
from ordain.values.span import Source

MARKS = ("$unknown", "$secret", "$int", "$plain")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
keys = st.sampled_from(MARKS) | texts
scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts
)
names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
addresses = st.builds(Address, kind=st.sampled_from(["model", "data_source"]), name=names)
segments = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="."), min_size=1, max_size=5)
references = st.builds(Reference, address=addresses, path=st.lists(segments, max_size=3).map(tuple))
leaves = st.builds(Unknown, expression=texts, refs=st.lists(references, max_size=2).map(tuple)) | st.builds(
    Secret,
    expression=texts,
    names=st.lists(texts, max_size=2).map(tuple),
    refs=st.lists(references, max_size=1).map(tuple),
    digest=st.none() | texts,
)


def trees(of):
    return st.recursive(
        of, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
    )


json_maps = st.dictionaries(keys, trees(scalars), max_size=4)
tree_maps = st.dictionaries(keys, trees(scalars | leaves), max_size=4)
records = st.builds(
    ResourceRecord,
    address=addresses,
    kind=texts,
    provider=st.none() | texts,
    spec=tree_maps,
    fingerprint=st.builds(Fingerprint, build=texts, judge=texts, serve=texts, record=texts),
    inputs=json_maps,
    facts=json_maps,
    outputs=tree_maps,
    private=json_maps,
    description=texts,
    labels=st.dictionaries(keys, texts, max_size=2),
    depends_on=st.lists(addresses, max_size=3).map(tuple),
    protect=st.booleans(),
    health=st.sampled_from(Health),
)


@given(records)
@settings(max_examples=200)
def test_records_come_back_as_they_were(record):
    assert decode(ResourceRecord, loads(dumps(record))) == record
    assert decode(ResourceRecord, loads(dumps(record, indent=True))) == record
    assert decode(ResourceRecord, loads(canonical(record))) == record


@given(trees(scalars | leaves))
def test_trees_come_back_as_they_were(tree):
    assert revive(plain(tree)) == tree


@given(json_maps)
def test_canonical_bytes_do_not_depend_on_order(tree):
    assert canonical(dict(reversed(tree.items()))) == canonical(tree)


@given(json_maps, json_maps)
def test_different_data_has_different_bytes(one, two):
    def typed(tree):  # to Python, 1 == 1.0 == True
        if isinstance(tree, dict):
            return {key: typed(item) for key, item in tree.items()}
        return [typed(item) for item in tree] if isinstance(tree, list) else (type(tree).__name__, repr(tree))

    assert (canonical(one) == canonical(two)) == (typed(one) == typed(two))


@given(st.dictionaries(texts.filter(lambda key: not key.startswith("$")), texts, max_size=3))
def test_data_without_marks_is_written_as_it_is(tree):
    assert dumps(tree) == orjson.dumps(tree)


def test_a_mark_is_told_from_what_looks_like_one():
    leaf = Unknown(expression="x")
    looks = {"$unknown": {"expression": "x"}}
    assert dumps(leaf) == b'{"$unknown":{"expression":"x"}}'
    assert dumps(looks) == b'{"$plain":{"$unknown":{"expression":"x"}}}'
    assert dumps({"$HOME": 1}) == b'{"$HOME":1}'
    assert revive(loads(dumps([leaf, looks]))) == [leaf, looks]


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**30])
def test_integers_of_any_size(number):
    assert revive(loads(dumps({"n": [number]}))) == {"n": [number]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "expected an object for Verdict"),
        ("null", "expected an object for Verdict"),
        ("{}", "Verdict lacks the field 'rule'"),
        ('{"rule": "r"}', "Verdict lacks the field 'outcome'"),
        ('{"rule": "r", "outcome": "pass", "extra": 1}', "Verdict has no field 'extra'"),
        ('{"rule": 1, "outcome": "pass"}', "expected str, found int"),
        ('{"rule": "r", "outcome": "maybe"}', "'maybe' is not a valid Outcome"),
        ('{"rule": "r", "outcome": []}', "is not a valid Outcome"),
    ],
)
def test_a_wrong_shape_is_refused_in_words(text, words):
    with pytest.raises(ValueError, match=words):
        decode(Verdict, loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    whole: int = 0
    real: float = 0.0
    flag: bool = False
    pair: tuple[str, int] = ("", 0)
    many: tuple[float, ...] = ()
    table: dict[str, str] = field(default_factory=dict)


def test_an_integer_may_stand_for_a_float_and_nothing_else_for_anything():
    assert decode(Numbers, {"real": 1, "many": [1, 2.5], "pair": ["a", 1]}).many == (1, 2.5)
    for wrong in (
        {"whole": True}, {"whole": 1.0}, {"real": True}, {"real": "1"}, {"flag": 1}, {"many": "12"}, {"many": [None]},
        {"pair": ["a"]}, {"table": []}, {"table": {"a": 1}},
    ):  # fmt: skip
        with pytest.raises(ValueError):
            decode(Numbers, wrong)


def test_defaults_are_left_out_and_not_shared():
    assert dumps(Numbers()) == b"{}"
    one, two = decode(Numbers, {}), decode(Numbers, {})
    assert one == two == Numbers()
    assert one.table is not two.table


def test_values_that_hold_their_own_kind():
    source = Source(file="a.yaml", line=1, text="x")
    assert decode(Source, loads(dumps(source))) == source


@given(
    st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner) | st.dictionaries(keys | st.sampled_from(["address", "spec", "kind", "fingerprint"]), inner)
        ),
        max_leaves=15,
    )
)
def test_anything_else_is_refused_with_a_value_error(data):
    with pytest.raises(ValueError):
        decode(ResourceRecord, data)
