"""What identifies people is found and masked; what cannot be looked into is refused."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlzone_runtime.inspection import UninspectedError, mask_file
from mlzone_runtime.personal_data import (
    Masking,
    column_kind,
    is_card,
    is_cnpj,
    is_cpf,
    is_iban,
)

CPF, CNPJ, CARD, IBAN = "529.982.247-25", "11.222.333/0001-81", "4111 1111 1111 1111", (
    "DE89370400440532013000"
)  # fmt: skip


def masked(folder: Path, content: str | bytes, name: str = "a.csv") -> tuple[str, Masking]:
    source, target = folder / "source", folder / "target"
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    masking = mask_file(source, target, name)
    return target.read_text(encoding="utf-8"), masking


@pytest.mark.parametrize(
    ("check", "sound", "broken"),
    [
        (is_cpf, CPF, "529.982.247-26"),
        (is_cpf, "11144477735", "11111111111"),
        (is_cnpj, CNPJ, "11.222.333/0001-82"),
        (is_card, CARD, "4111 1111 1111 1112"),
        (is_iban, IBAN, "DE89370400440532013001"),
    ],
)
def test_check_digits_tell_identifiers_from_other_numbers(check, sound: str, broken: str):
    assert check(sound)
    assert not check(broken)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"CPF {CPF}, thanks", "CPF [cpf], thanks"),
        (f"pays with {CARD}", "pays with [card]"),
        (f"{CNPJ} and ana.souza+x@bank.com.br", "[cnpj] and [email]"),
        ("call (11) 91234-5678", "call [phone]"),
        (f"to {IBAN}", "to [account]"),
        ("contract 123.456.789-00", "contract 123.456.789-00"),
        ("2024-01-31 12:30, 10.5 %", "2024-01-31 12:30, 10.5 %"),
    ],
)
def test_identifiers_are_masked_where_they_stand(text: str, expected: str):
    assert Masking({}).value("note", text) == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("CPF", "cpf"),
        ("Endereço", "address"),
        ("e-mail", "email"),
        ("Nome completo", "name"),
        ("credit_amount", ""),
        ("branch_name", ""),
    ],
)
def test_a_columns_name_says_what_it_holds(name: str, kind: str):
    assert column_kind(name, []) == kind


def numbers(count: int) -> list[str]:
    """Return people's numbers without points, as exports have them."""
    return [text for base in range(count) for text in _ended(str(100_000_000 + base))]


def _ended(base: str) -> list[str]:
    """Return a number's first nine digits with the check digits that belong to them."""
    return [text for text in (f"{base}{end:02d}" for end in range(100)) if is_cpf(text)]


def test_a_column_of_bare_numbers_of_people_is_found_by_their_check_digits():
    assert column_kind("document", numbers(50)) == "cpf"
    assert (
        column_kind("order", [str(number) for number in range(10_000_000_000, 10_000_000_050)])
        == ""
    )


def test_numbers_that_lost_their_first_zeros_are_still_those_of_people():
    spread = [text for base in range(1_000_000, 1_000_050) for text in _ended(f"{base:09d}")]

    assert all(text.startswith("00") for text in spread)
    assert column_kind("document", [text.lstrip("0") for text in spread]) == "cpf"


@pytest.mark.parametrize(
    ("people", "others", "kind"), [(19, 0, ""), (20, 0, "cpf"), (95, 5, "cpf"), (94, 6, "")]
)
def test_a_column_is_of_people_if_nearly_all_of_enough_values_are(
    people: int, others: int, kind: str
):
    assert column_kind("document", [*numbers(people)[:people], *["10000000000"] * others]) == kind


def test_digits_that_are_no_decimals_are_no_register(tmp_path: Path):
    text, _ = masked(tmp_path, "a\n" + "1234567890²\n" * 20)

    assert text == "a\n" + "1234567890²\n" * 20


def test_a_table_keeps_its_form_and_what_identifies_nobody(tmp_path: Path):
    text, masking = masked(
        tmp_path, f'id,Nome,note,amount\n1,Ana,"{CPF}, or ""later""",10.50\n2,,none,7\n'
    )

    assert text == 'id,Nome,note,amount\n1,[name],"[cpf], or ""later""",10.50\n2,,none,7\n'
    assert dict(masking.found) == {"name": 1, "cpf": 1}


def test_what_spreadsheets_put_before_a_table_hides_no_column(tmp_path: Path):
    text, _ = masked(tmp_path, "\ufeffnome,amount\nAna,1\n")

    assert text == "nome,amount\n[name],1\n"


def test_a_table_without_a_header_gives_no_identifier_away_in_its_first_row(tmp_path: Path):
    text, _ = masked(tmp_path, f"{CPF},1\n{CPF},2\n")

    assert text == "[cpf],1\n[cpf],2\n"


def test_whether_somebody_has_a_telephone_is_no_number(tmp_path: Path):
    text, masking = masked(tmp_path, "id,telephone\n1,yes\n2,No\n3,+55 11 2\n4,\n")

    assert text == "id,telephone\n1,yes\n2,No\n3,[phone]\n4,\n"
    assert dict(masking.found) == {"phone": 1}


def test_lines_of_JSON_are_masked_at_every_depth(tmp_path: Path):
    record = {"id": 1, "who": {"email": "a@b.co", "tags": [CPF, "ok"]}, "amount": 1.5, "new": None}

    text, masking = masked(tmp_path, json.dumps(record) + "\n", "a.jsonl")

    assert json.loads(text) == {
        "id": 1,
        "who": {"email": "[email]", "tags": ["[cpf]", "ok"]},
        "amount": 1.5,
        "new": None,
    }
    assert dict(masking.found) == {"email": 1, "cpf": 1}


def test_a_name_that_first_comes_late_says_what_it_holds_all_the_same(tmp_path: Path):
    lines = [json.dumps({"id": number}) for number in range(3000)]
    text, _ = masked(tmp_path, "\n".join([*lines, json.dumps({"nome": "Ana"})]), "a.jsonl")

    assert json.loads(text.splitlines()[-1]) == {"nome": "[name]"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.parquet", b"PAR1", "only .csv, .tsv, .jsonl, .ndjson can be looked into"),
        ("a", b"x", "a name without one"),
        ("a.csv", b"", "it is empty"),
        ("a.jsonl", b"\n", "it is empty"),
        ("a.csv", b"a,b\n1\n", "row 2 has 1 values, the header 2"),
        ("a.csv", b"a,b\n\xff\xfe,1\n", "it cannot be read"),
        ("a.csv", b'a,b\n"1,2\n', "it cannot be read"),
        ("a.jsonl", b"{]\n", "it cannot be read"),
        ("a.jsonl", b"[1]\n", "line 1 is not an object"),
    ],
)
def test_what_cannot_be_looked_into_is_refused(
    tmp_path: Path, name: str, content: bytes, reason: str
):
    with pytest.raises(UninspectedError, match=reason.replace(".", r"\.")):
        masked(tmp_path, content, name)


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=2, max_size=2
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_table_is_masked_or_refused_and_no_identifier_is_left(tmp_path_factory, rows):
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["a", "b"])
    writer.writerows([*rows, [CPF, CARD]])

    try:
        text, _ = masked(tmp_path_factory.mktemp("any"), out.getvalue().encode())
    except UninspectedError:
        return
    assert CPF not in text
    assert CARD not in text
