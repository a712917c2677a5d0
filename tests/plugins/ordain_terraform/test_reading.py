"""The pure parts: the tolerant HCL reader, the module reader, and Terraform's plan as facts."""

import json

from hypothesis import given, strategies as st

from ordain.api import canonical
from ordain_terraform.facts import plan_facts
from ordain_terraform.hcl import parse
from ordain_terraform.modules import digests, read_module
from ordain_terraform.secrets import Scrubber

TRICKY = """
# variable "commented" {}
// variable "commented" {}
/* variable "commented" {
} */
variable "first" { type = string }
variable second {
  type = object({ a = string
    b = list(string) })
  default = { a = "}${ {k = "}"}["k"] }", b = ["\\"", "$${", "%%{"] }
  description = <<-EOT
    variable "heredoc" {}
    EOT
  ephemeral = true // yes
  validation {
    condition     = length(var.second.b) == 3 && var.second.a != "}"
    error_message = "no"
  }
}
terraform {
  backend "s3" {}
}
output "o" { value = { "variable" = 1 } }
variable "last" { sensitive = true }
"""


def test_blocks_are_found_among_comments_strings_and_heredocs():
    top = parse(TRICKY)
    assert [(block.type, block.labels) for block in top.blocks] == [
        ("variable", ("first",)),
        ("variable", ("second",)),
        ("terraform", ()),
        ("output", ("o",)),
        ("variable", ("last",)),
    ]
    second = top.blocks[1]
    assert second.attributes["ephemeral"] == "true"
    assert second.attributes["type"].startswith("object({") and second.attributes["type"].endswith("})")
    assert [block.type for block in second.blocks] == ["validation"]


@given(st.text(alphabet='av{}[]()="$%\\<-EOT #/*\n', max_size=200))
def test_the_reader_takes_anything_and_ends(text):
    parse(text)


@given(st.text(max_size=60), st.text(alphabet='{}"${%\\#/* ab', max_size=60))
def test_what_stands_in_a_string_or_a_comment_is_never_read_as_a_block(text, comment):
    quoted = json.dumps(text, ensure_ascii=True).replace("${", "$${").replace("%{", "%%{")
    source = f'variable "a" {{\n  default = {quoted} # {comment}\n}}\nvariable "b" {{ ephemeral = true }}\n'
    assert [block.labels for block in parse(source).blocks] == [("a",), ("b",)]


def test_overrides_json_and_presets_are_merged_as_terraform_does(tmp_path):
    (tmp_path / "main.tf").write_text('variable "a" {\n type = string\n}\nterraform {\n cloud {}\n}\n')
    (tmp_path / "a_override.tf").write_text('variable "a" {\n ephemeral = true\n}\n')
    (tmp_path / "more.tf.json").write_text('{"variable": [{"b": [{"sensitive": true}]}]}')
    (tmp_path / "x.auto.tfvars").write_text('a = "1"\n')
    (tmp_path / "terraform.tfvars.json").write_text('{"b": 1}')
    (tmp_path / "other.tfvars").write_text('c = "1"\n')
    (tmp_path / ".hidden.tf").write_text('variable "hidden" {}')
    module = read_module(tmp_path)
    assert {name: (one.type, one.ephemeral) for name, one in module.variables.items()} == {
        "a": ("string", True),
        "b": ("", False),
    }
    assert module.backend == "cloud"
    assert module.preset == {"a": "x.auto.tfvars", "b": "terraform.tfvars.json"}


def test_the_digest_covers_code_and_nothing_else(tmp_path):
    module, data = tmp_path / "infra", tmp_path / "data"
    module.mkdir()
    (module / "main.tf").write_text("")
    (module / "README.md").write_text("words")
    (module / ".terraform.lock.hcl").write_text("locked")
    before = digests(tmp_path, module, data)
    assert list(before) == ["infra/.terraform.lock.hcl", "infra/main.tf"]
    (module / "README.md").write_text("other words")
    assert digests(tmp_path, module, data) == before
    (module / "values.tfvars").write_text("a = 1")
    assert "infra/values.tfvars" in digests(tmp_path, module, data)


def change(address, actions, before=None, after=None, **more):
    return {"address": address, "change": {"actions": actions, "before": before, "after": after, **more}}


def test_actions_and_differing_fields_become_facts_and_no_ops_do_not():
    shown = {
        "resource_changes": [
            change("b.same", ["no-op"], {"x": 1}, {"x": 1}),
            change("b.two", ["delete", "create"], {"x": 1, "n": {"a": 1, "b": 2}}, {"x": 1, "n": {"a": 9, "b": 2}}),
            change("a.one", ["update"], {"l": [1, 2]}, {"l": [1, 3]}),
            change("c.gone", ["delete"], {"secret": "words"}),
            {**change("d.new", ["no-op"], {"x": 1}, {"x": 1}), "previous_address": "d.old"},
        ],
    }
    facts = plan_facts(shown, Scrubber())
    assert [(one["address"], one["action"]) for one in facts["changes"]] == [
        ("a.one", "update"),
        ("b.two", "replace"),
        ("c.gone", "delete"),
        ("d.new", "move"),
    ]
    assert facts["changes"][0]["fields"] == [{"path": ["l"], "before": [1, 2], "after": [1, 3]}]
    assert facts["changes"][1]["fields"] == [{"path": ["n", "a"], "before": 1, "after": 9}]
    assert facts["changes"][2]["fields"] == []
    assert facts["changes"][3]["previous_address"] == "d.old"


def test_drift_counts_where_the_plan_rests_on_it():
    drifted = {**change("a.used", ["update"], {"x": 1}, {"x": 2}), "mode": "managed"}
    idle = change("a.idle", ["update"], {"x": 1}, {"x": 2})
    gone = change("a.gone", ["delete"], {"x": 1})
    shown = {
        "resource_changes": [change("a.gone", ["create"], None, {"x": 1})],
        "resource_drift": [idle, gone, drifted],
        "relevant_attributes": [{"resource": "a.used", "attribute": ["x"]}],
    }
    drift = plan_facts(shown, Scrubber())["drift"]
    assert [(one["address"], one["action"]) for one in drift] == [("a.gone", "delete"), ("a.used", "update")]


def test_sensitive_values_and_secrets_never_become_facts():
    shown = {
        "resource_changes": [
            change(
                "a.one",
                ["update"],
                {"key": "old-hidden", "deep": {"p": "old-hidden"}, "mine": "prefix-SECRETTEXT"},
                {"key": "hidden", "deep": {"p": "hidden"}, "mine": "x"},
                before_sensitive={"key": True, "deep": {"p": True}},
                after_sensitive={"key": True, "deep": {"p": True}},
            ),
            change("a.two", ["update"], {"x": "hidden"}, {"x": "hidden2"}, before_sensitive=True, after_sensitive=True),
        ],
        "planned_values": {"outputs": {"o": {"sensitive": True, "value": "hidden"}, "p": {"value": "SECRETTEXT!"}}},
        "output_changes": {"o": {"actions": ["create"]}, "p": {"actions": ["no-op"]}},
    }
    facts = plan_facts(shown, Scrubber(texts=("SECRETTEXT",)))
    assert b"hidden" not in canonical(facts) and b"SECRETTEXT" not in canonical(facts)
    paths = [field["path"] for field in facts["changes"][0]["fields"]]
    assert paths == [["deep", "p"], ["key"], ["mine"]]
    assert all(field["sensitive"] for field in facts["changes"][0]["fields"])
    assert facts["outputs"]["p"] == {"known": True, "sensitive": True, "changed": False}


def test_an_output_known_only_in_part_is_not_known():
    shown = {
        "planned_values": {"outputs": {"o": {"value": {"a": 1}, "type": ["object", {}]}}},
        "output_changes": {"o": {"actions": ["create"], "after": {"a": 1}, "after_unknown": {"b": True}}},
    }
    facts = plan_facts(shown, Scrubber())
    assert facts["outputs"]["o"]["known"] is False and "value" not in facts["outputs"]["o"]
    assert facts["empty"] is False


def test_the_plans_digest_does_not_hang_on_order_or_time():
    one, two = change("a.x", ["create"], None, {"v": 1}), change("a.y", ["create"], None, {"v": 1})
    first = plan_facts({"resource_changes": [one, two], "timestamp": "1"}, Scrubber())
    second = plan_facts({"resource_changes": [two, one], "timestamp": "2"}, Scrubber())
    third = plan_facts({"resource_changes": [two]}, Scrubber())
    assert first["plan_digest"] == second["plan_digest"] != third["plan_digest"]


def test_a_change_of_very_many_fields_is_counted():
    many = change("a.x", ["create"], None, {f"k{number:04}": number for number in range(500)})
    (fact,) = plan_facts({"resource_changes": [many]}, Scrubber())["changes"]
    assert len(fact["fields"]) == 200 and fact["more_fields"] == 300
