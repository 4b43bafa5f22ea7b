"""Writes tables with Python's csv module and, where it is there, openpyxl, and what must be read from them.

Usage: make_files.py FOLDER
Writes files and `expected.json` into FOLDER: a list of {file, columns: [{label, type, cells}]}; null cells are null.
"""

import csv
import datetime
import json
import pathlib
import sys

try:
    import openpyxl
except ImportError:
    openpyxl = None

TEXTS = [
    ["plain", "with, comma", 'with "quotes"', "two\nlines", "semi;colon", "tab\there", "pipe|line"],
    ["Zürich", "naïve café", "Straße", "año", "Ålesund", "señor", "über"],
]
COLUMNS = [
    {"label": "id", "type": "INT", "cells": ["10", "9", "8", "7", "6", "5", "4"]},
    {"label": "zip", "type": "STRING", "cells": ["01234", "99999", "00001", "10115", "8000", "07", "1"]},
    {"label": "price", "type": "DECIMAL", "cells": ["1.50", "-20.25", None, "0.00", "999999.99", "3.10", "7.00"]},
    {"label": "day", "type": "DATE", "cells": ["2024-02-29", None, "1999-12-31", "2024-01-01", "2030-06-15", "2001-01-31", "1970-01-01"]},
    {"label": "ok", "type": "BOOLEAN", "cells": ["true", "false", "true", None, "false", "true", "true"]},
    {"label": "odd", "type": "STRING", "cells": TEXTS[0]},
    {"label": "place", "type": "STRING", "cells": TEXTS[1]},
]
DIALECTS = {
    "comma": {"delimiter": ",", "lineterminator": "\n"},
    "excel": {"dialect": "excel"},
    "semicolon": {"delimiter": ";", "quoting": csv.QUOTE_ALL, "lineterminator": "\r\n"},
    "tab": {"dialect": "excel-tab"},
    "pipe": {"delimiter": "|", "quoting": csv.QUOTE_NONNUMERIC, "lineterminator": "\n"},
    # Backslashes outside quotes prove nothing and are kept; inside them they show what they mean.
    "escaped": {
        "delimiter": ",",
        "doublequote": False,
        "escapechar": "\\",
        "quoting": csv.QUOTE_ALL,
        "lineterminator": "\n",
    },
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "cp1252"]


def write_csv(path, encoding, dialect):
    with open(path, "w", encoding=encoding, newline="") as out:
        writer = csv.writer(out, **dialect)
        writer.writerow([column["label"] for column in COLUMNS])
        for row in zip(*(column["cells"] for column in COLUMNS)):
            writer.writerow(["" if cell is None else cell for cell in row])


def write_workbook(path):
    """The same table with the cells that a person would type, and formats that only show them."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Table"
    sheet.append([column["label"] for column in COLUMNS])
    make = {
        "INT": int,
        "DECIMAL": float,
        "DATE": datetime.date.fromisoformat,
        "BOOLEAN": lambda cell: cell == "true",
        "STRING": str,
    }
    for row in zip(*(column["cells"] for column in COLUMNS)):
        sheet.append(
            [None if cell is None else make[column["type"]](cell) for cell, column in zip(row, COLUMNS)]
        )
    for (cell,) in sheet.iter_rows(min_row=2, min_col=3, max_col=3):
        cell.number_format = "0.00%"
    hidden = book.create_sheet("Hidden")
    hidden.append(["secret"])
    hidden.sheet_state = "hidden"
    book.save(path)


def main():
    folder = pathlib.Path(sys.argv[1])
    expected = []
    for encoding in ENCODINGS:
        for name, dialect in DIALECTS.items():
            file = f"{name}-{encoding}.csv"
            write_csv(folder / file, encoding, dialect)
            expected.append({"file": file, "columns": COLUMNS})
    if openpyxl:
        write_workbook(folder / "book.xlsx")
        expected.append({"file": "book.xlsx", "columns": COLUMNS})
    else:
        print("openpyxl is missing: no workbook was written")
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


if __name__ == "__main__":
    main()
