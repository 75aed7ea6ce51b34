"""Tables in Markdown."""

from mrilab.teach.tables import table


def test_a_table_has_a_head_a_rule_and_a_line_a_row():
    assert table(["a", "b"], [[1, "x"]]) == "| a | b |\n| --- | --- |\n| 1 | x |"
