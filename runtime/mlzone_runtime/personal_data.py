"""Finds what identifies a person in records, and masks it.

A column is masked whole if its name says what it holds, or if nearly all its values are numbers of
people's registers; elsewhere, identifiers are masked where they stand. What is masked cannot be had
back: a mask says what kind of thing was there and nothing else.

Sources: Receita Federal do Brasil, check digits of CPF and CNPJ; ISO/IEC 7812-1 (Luhn's formula);
ISO 13616 and ISO/IEC 7064 (IBAN, MOD 97-10); RFC 5321 (addresses).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial

NAMES: Mapping[str, frozenset[str]] = {
    "cpf": frozenset({"cpf", "nr_cpf", "num_cpf", "numero_cpf", "cpf_cliente"}),
    "cnpj": frozenset({"cnpj", "nr_cnpj", "num_cnpj", "numero_cnpj"}),
    "identity-document": frozenset(
        {"rg", "cnh", "passport", "passaporte", "passport_number", "ssn", "identity_number",
         "numero_rg", "national_id", "tax_id", "titulo_eleitor"}
    ),
    "name": frozenset(
        {"name", "nome", "full_name", "fullname", "nome_completo", "first_name", "last_name",
         "surname", "sobrenome", "customer_name", "client_name", "nome_cliente", "mother_name",
         "nome_mae", "nome_pai"}
    ),
    "email": frozenset({"email", "e_mail", "email_address", "endereco_email"}),
    "phone": frozenset(
        {"phone", "phone_number", "telephone", "mobile", "telefone", "celular", "fone",
         "numero_telefone"}
    ),
    "address": frozenset(
        {"address", "street", "street_address", "endereco", "logradouro", "cep", "zip", "zip_code",
         "postal_code", "postcode"}
    ),
    "account": frozenset({"iban", "account_number", "numero_conta", "conta_corrente"}),
    "card": frozenset({"card_number", "credit_card_number", "pan", "numero_cartao"}),
    "ip-address": frozenset({"ip", "ip_address", "endereco_ip"}),
}  # fmt: skip
"""Names of columns by what they hold: lower case, without accents, words joined by `_`."""

_FLAGS = frozenset({"yes", "no", "true", "false", "sim", "nao", "não", "0", "1"})
"""Values that identify nobody, in whatever column: whether there is a telephone is no number."""
_ENOUGH_VALUES = 20
_NEARLY_ALL = 0.95


def _digits(text: str) -> list[int]:
    return [int(character) for character in text if character.isdecimal()]


def _check_digit(digits: Sequence[int], weights: Sequence[int]) -> int:
    rest = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
    return 0 if rest < 2 else 11 - rest  # noqa: PLR2004 - of the formula


def is_cpf(text: str) -> bool:
    """Tell whether the check digits are those of a person's number (11 digits)."""
    digits = _digits(text)
    if len(digits) != 11 or len(set(digits)) == 1:  # noqa: PLR2004
        return False
    first = _check_digit(digits[:9], range(10, 1, -1))
    second = _check_digit(digits[:10], range(11, 1, -1))
    return digits[9:] == [first, second]


def is_cnpj(text: str) -> bool:
    """Tell whether the check digits are those of a company's number (14 digits)."""
    digits = _digits(text)
    if len(digits) != 14 or len(set(digits)) == 1:  # noqa: PLR2004
        return False
    weights = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]
    first = _check_digit(digits[:12], weights[1:])
    second = _check_digit(digits[:13], weights)
    return digits[12:] == [first, second]


def is_card(text: str) -> bool:
    """Tell whether the number passes Luhn's formula."""
    digits = _digits(text)[::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return sum(digits[::2], sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Tell whether an account number's remainder by 97 is one."""
    moved = text[4:] + text[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def _always(text: str) -> bool:
    del text
    return True


PATTERNS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("email", re.compile(r"[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), _always),
    ("cpf", re.compile(r"(?<![\d.])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)"), is_cpf),
    ("cnpj", re.compile(r"(?<![\d.])\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}(?!\d)"), is_cnpj),
    ("card", re.compile(r"(?<!\d)\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?!\d)"), is_card),
    ("phone", re.compile(r"(?:\+55 ?)?\(\d{2}\) ?9?\d{4}-\d{4}(?!\d)"), _always),
    ("account", re.compile(r"(?<!\w)[A-Z]{2}\d{2}[A-Z0-9]{11,30}(?!\w)"), is_iban),
)
"""What identifies a person wherever it stands: kind, form, and the check that form alone is not."""

_REGISTERS: tuple[tuple[str, int, Callable[[str], bool]], ...] = (
    ("cpf", 11, is_cpf),
    ("cnpj", 14, is_cnpj),
)
"""Bare numbers, which identify a person if a whole column passes the check."""


@lru_cache(4096)
def named_kind(name: str) -> str:
    """Return what a column holds of people, by its name alone; empty if that does not say."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = "_".join(re.findall(r"[a-z0-9]+", plain))
    return next((kind for kind, names in NAMES.items() if words in names), "")


def column_kind(name: str, values: Iterable[str]) -> str:
    """Return what a column holds of people as a whole; empty if it does not.

    Args:
        name: the column's name.
        values: some of its values.
    """
    if kind := named_kind(name):
        return kind
    given = [value.strip() for value in values if value.strip()]
    if len(given) < _ENOUGH_VALUES:
        return ""
    for kind, length, valid in _REGISTERS:
        # Numbers lose the zeros that they begin with on their way through spreadsheets.
        passing = sum(value.isdecimal() and valid(value.zfill(length)) for value in given)
        if passing >= _NEARLY_ALL * len(given):
            return kind
    return ""


@dataclass
class Masking:
    """Masks the records of one file, and counts what it masked."""

    columns: Mapping[str, str]
    """Columns that are masked whole, with what they hold."""
    found: Counter[str] = field(default_factory=Counter)
    """How many values were masked, by kind."""

    def value(self, column: str, text: str) -> str:
        """Return a value without what identifies a person."""
        if not text.strip():
            return text
        kind = self.columns.get(column)
        if kind and text.strip().lower() not in _FLAGS:
            self.found[kind] += 1
            return f"[{kind}]"
        for found, form, valid in PATTERNS:
            text = form.sub(partial(self._mask, found, valid), text)
        return text

    def _mask(self, kind: str, valid: Callable[[str], bool], match: re.Match[str]) -> str:
        if not valid(match[0]):
            return match[0]
        self.found[kind] += 1
        return f"[{kind}]"
