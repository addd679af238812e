"""How a spreadsheet program names a cell."""


def name(row: int, column: int) -> str:
    """Row and column from 0: (0, 0) is A1."""
    letters, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def column(letters: str) -> int:
    """A is 0, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
