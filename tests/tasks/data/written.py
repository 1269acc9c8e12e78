"""Writes rows in all the formats that are read."""

import csv
import io
import json


def as_jsonl(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_json(rows):
    return json.dumps(rows, indent=1).encode()


def as_csv(rows, delimiter=",", mark=b""):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return mark + text.getvalue().encode()


def as_parquet(rows):
    import pyarrow
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), buffer)
    return buffer.getvalue()
