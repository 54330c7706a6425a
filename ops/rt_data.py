"""Reads the data folder of RT-Data: load(), gaps() and book_at().

One file without dependencies, except pandas, polars or duckdb for tables. Put it beside your notebook:

    rt-data ops python > rt_data.py

    from rt_data import book_at, gaps, load
    trades = load("aggTrade", "BTCUSDT", "2026-11-21")
    holes = gaps("depth20", "BTCUSDT", "2026-11-21")
    bids, asks = book_at("BTCUSDT", "2026-11-21T15:00:00.123")[1:]

Times are UTC: "2026-11-21", "2026-11-21T15:00", a datetime with a time zone, or whole µs since 1970. The end is exclusive; a date alone
means that day. Archives, sealed and open segments are read as they are, also while a recorder is running. Archives are compressed with
zstd: Python 3.14, the package zstandard, duckdb or the command zstd can read them.
"""

import array
import datetime
import glob
import importlib
import json
import os
import re
import subprocess

DATA = "data"
"""The data folder that is read if none is given."""

# Column, member of the line, and the member's name in a trade that was backfilled over REST. As in `rt-data export`.
_TIMES = [("event_time_ms", "E", None, "BIGINT")]
_COLUMNS = {
    "aggTrade": _TIMES + [
        ("trade_time_ms", "T", "T", "BIGINT"), ("agg_trade_id", "a", "a", "BIGINT"), ("first_trade_id", "f", "f", "BIGINT"),
        ("last_trade_id", "l", "l", "BIGINT"), ("price", "p", "p", "DOUBLE"), ("quantity", "q", "q", "DOUBLE"),
        ("is_buyer_maker", "m", "m", "BOOLEAN"),
    ],
    "trade": _TIMES + [
        ("trade_time_ms", "T", "time", "BIGINT"), ("trade_id", "t", "id", "BIGINT"), ("price", "p", "price", "DOUBLE"),
        ("quantity", "q", "qty", "DOUBLE"), ("is_buyer_maker", "m", "isBuyerMaker", "BOOLEAN"),
    ],
    "bookTicker": [
        ("update_id", "u", None, "BIGINT"), ("bid_px", "b", None, "DOUBLE"), ("bid_sz", "B", None, "DOUBLE"),
        ("ask_px", "a", None, "DOUBLE"), ("ask_sz", "A", None, "DOUBLE"),
    ],
    "blockTrade": _TIMES + [
        ("trade_time_ms", "T", None, "BIGINT"), ("block_trade_id", "t", None, "BIGINT"), ("price", "p", None, "DOUBLE"),
        ("quantity", "q", None, "DOUBLE"), ("is_buyer_maker", "m", None, "BOOLEAN"),
    ],
    "miniTicker": _TIMES + [
        (name, member, None, "DOUBLE") for name, member in (
            ("close_price", "c"), ("open_price", "o"), ("high_price", "h"), ("low_price", "l"), ("base_volume", "v"), ("quote_volume", "q"))
    ],
    "depth": _TIMES + [("first_update_id", "U", None, "BIGINT"), ("final_update_id", "u", None, "BIGINT")],
    "depthSnapshot": [("last_update_id", "lastUpdateId", None, "BIGINT")],
    **{f"depth{n}": [("last_update_id", "lastUpdateId", None, "BIGINT")] for n in (5, 10, 20)},
}
_SIDES = {"depth": ("b", "a"), "depthSnapshot": ("bids", "asks"), **{f"depth{n}": ("bids", "asks") for n in (5, 10, 20)}}


def load(stream, symbol, start, end=None, data=None, engine=None, levels=None):
    """Returns the records of a stream as a table: a pandas or polars DataFrame, or a duckdb relation.

    Columns are those of `rt-data export`, with recv_time (UTC) and since_gap: true for the first row after a gap whose records are still
    absent. Levels of depth5, 10 and 20 are columns (bid_px_1 … ask_sz_20; `levels`: how many of them), those of other books are lists.
    engine: "pandas", "polars" or "duckdb"; without it, the first that is installed.
    """
    engine = engine or next((name for name in ("pandas", "polars", "duckdb") if _has(name)), None)
    if engine == "duckdb":
        return importlib.import_module("duckdb").sql(sql(stream, symbol, start, end, data, levels))
    if engine not in ("pandas", "polars"):
        raise ImportError("load() needs pandas, polars or duckdb")
    columns = _columns(stream, symbol, start, end, data, levels)
    if engine == "polars":
        pl = importlib.import_module("polars")
        return pl.DataFrame(columns).with_columns(pl.col("recv_time").cast(pl.Datetime("us", "UTC")))
    pd = importlib.import_module("pandas")
    columns["recv_time"] = pd.to_datetime(columns["recv_time"], unit="us", utc=True)
    return pd.DataFrame(columns)


def sql(stream, symbol, start, end=None, data=None, levels=None):
    """Returns the SQL with which DuckDB reads what load() returns. It names the columns, so `E` is never taken for `e`."""
    from_us, to_us = _range(start, end)
    files = _files(data or DATA, _known(stream), symbol, from_us, to_us)
    if not files:
        raise FileNotFoundError(_nothing(data, stream, symbol, from_us, to_us))
    names = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    value = lambda member, kind: f"(json->>'$.{member}')::{kind}"
    columns = ["recv_us", "net_delay_ms"] + (["repaired"] if stream in ("aggTrade", "trade") else [])
    inner = [f"{value('recv_us', 'BIGINT')} as recv_us", f"{value('net_delay_ms', 'DOUBLE')} as net_delay_ms"]
    inner += [f"coalesce({value('repaired', 'BOOLEAN')}, false) as repaired"] if len(columns) == 3 else []
    for name, member, rest, kind in _COLUMNS[stream]:
        both = f"coalesce({value(member, kind)}, {value(rest, kind)})" if rest not in (None, member) else value(member, kind)
        # Times are in µs if the recorder asked for them (exchange.time_unit); a file may hold both units.
        inner.append(f"case when {both} >= {_MICRO} then {both} // 1000 else {both} end as {name}" if name.endswith("_ms") else f"{both} as {name}")
        columns.append(name)
    for side, member in zip(("bid", "ask"), _SIDES.get(stream, ())):
        inner.append(f"(json->'$.{member}')::DOUBLE[][] as {side}")
        count = _level_count(stream, levels)
        for n in range(1, count + 1):
            columns += [f"{side}[{n}][1] as {side}_px_{n}", f"{side}[{n}][2] as {side}_sz_{n}"]
        if count == 0:
            columns += [f"list_transform({side}, x -> x[{at}]) as {side}_{name}" for at, name in ((1, "px"), (2, "sz"))]
    columns.append("make_timestamp(recv_us) as recv_time")
    ends = ", ".join(f"{us}" for us in _ends(stream, symbol, from_us, to_us, data))
    before = f"coalesce(lag(recv_us) over (order by recv_us), {from_us - 1})"
    columns.append(f"len(list_filter([{ends}]::BIGINT[], us -> us > {before} and us <= recv_us)) > 0 as since_gap")
    lines = f"select {', '.join(inner)} from read_ndjson_objects([{names}], ignore_errors = true)"
    where = f"recv_us >= {from_us} and recv_us < {to_us}"
    return f"select {', '.join(columns)} from ({lines}) where {where} order by recv_us"


def gaps(stream, symbol, start=None, end=None, data=None):
    """Returns the gaps that overlap a range, in order, as dicts: from_us, to_us, cause, missing, repaired, settled.

    They come from the manifests of merged days, otherwise from the recorder's journal. settled: nothing is absent any more. `rt-data gaps`
    lists the same.
    """
    from_us, to_us = (0, 2**63 - 1) if start is None else _range(start, end)
    found = {}
    for gap in _journal_gaps(data or DATA):
        if (gap["stream"], gap["symbol"]) == (stream, symbol):
            found[gap["from_us"]] = gap
    merged = {}
    for path in sorted(glob.glob(_folder(data or DATA, "archive", stream, symbol, "*", "*.manifest.json"))):
        with open(path) as file:
            manifest = json.load(file)
        merged[manifest["date"]] = manifest["gaps"]
    joined = []
    days = [(us, us + _DAY) for us in map(_date_us, merged)]
    outside = [piece for gap in found.values() for piece in _without(gap, days)]
    for gap in sorted([*outside, *(gap for day in merged.values() for gap in day)], key=lambda gap: gap["from_us"]):
        last = joined[-1] if joined else None
        if last and last["to_us"] == gap["from_us"] and last["cause"] == gap["cause"]:
            last["to_us"] = gap["to_us"]
            continue
        members = {name: gap.get(name) for name in ("from_us", "to_us", "cause", "missing", "repaired")}
        joined.append({"stream": stream, "symbol": symbol, **members, "repaired": gap.get("repaired") or 0})
    for gap in joined:
        counted = gap["missing"] is not None and gap["repaired"] >= gap["missing"]
        gap["settled"] = gap["cause"] == "halted" or counted
    return [gap for gap in joined if gap["to_us"] > from_us and gap["from_us"] < to_us]


def in_gap(times_us, holes, length_us=0):
    """Tells for each time (µs) whether it, or the interval that begins with it, touches a gap whose records are still absent."""
    spans = [(gap["from_us"], gap["to_us"]) for gap in holes if not gap["settled"]]
    return [any(start < us + max(length_us, 1) and us < end for start, end in spans) for us in times_us]


def book_at(symbol, when, data=None, levels=None, number=float):
    """Returns (recv_us, bids, asks): the book as it was known at an instant, best level first, each level (price, quantity).

    The newest of depth20, depth10 and depth5 is taken; without them the book is rebuilt from depthSnapshot and depth. number: what prices
    become, for example decimal.Decimal. Raises LookupError if nothing was recorded, or if the instant lies in a gap.
    """
    data, at_us = data or DATA, _us(when)
    newest = {stream: _last(data, stream, symbol, at_us) for stream in ("depth20", "depth10", "depth5")}
    known = {stream: line for stream, line in newest.items() if line}
    partial = [line for stream, line in known.items() if not _is_absent(stream, symbol, line["recv_us"], at_us, data)]
    if partial:
        line = max(partial, key=lambda found: found["recv_us"])
        sides = [[(number(px), number(sz)) for px, sz in line[side]] for side in ("bids", "asks")]
        recv_us = line["recv_us"]
    elif known and not _last(data, "depthSnapshot", symbol, at_us):
        raise LookupError(f"{_text(at_us)} lies in a gap of {symbol}")
    else:
        recv_us, sides = _rebuilt(data, symbol, at_us, number)
    return (recv_us, *(side[: levels or None] for side in sides))


_DAY = 86_400_000_000
_MICRO = 10**14  # Times from this value on are in µs, lower times in ms.
_NAN = float("nan")


def _columns(stream, symbol, start, end, data, levels):
    from_us, to_us = _range(start, end)
    sides, count = _SIDES.get(_known(stream), ()), _level_count(stream, levels)
    heads = ["recv_us", "net_delay_ms"] + (["repaired"] if stream in ("aggTrade", "trade") else [])
    names = heads + [name for name, *_ in _COLUMNS[stream]]
    for side in ("bid", "ask") if sides else ():
        names += [f"{side}_{part}_{n}" for n in range(1, count + 1) for part in ("px", "sz")] or [f"{side}_px", f"{side}_sz"]
    # Arrays take a quarter of the memory of lists. A book of 20 levels has 80 columns.
    doubles = {name for name, _, _, kind in _COLUMNS[stream] if kind == "DOUBLE"} | {name for name in names if name[-1].isdigit()}
    columns = {name: array.array("d") if name in doubles else [] for name in names}
    values = list(columns.values())
    empty = True
    for line in _lines(data or DATA, stream, symbol, from_us, to_us):
        empty = False
        row = [line["recv_us"], line["net_delay_ms"]] + ([line.get("repaired", False)] if len(heads) == 3 else [])
        for name, member, rest, kind in _COLUMNS[stream]:
            value = line.get(member, line.get(rest) if rest else None)
            if name.endswith("_ms") and value is not None and value >= _MICRO:
                value //= 1000
            row.append(float(value) if kind == "DOUBLE" else value)
        for member in sides:
            book = line[member]
            if count == 0:
                row += [[float(level[0]) for level in book], [float(level[1]) for level in book]]
            for n in range(count):
                row += [float(book[n][0]), float(book[n][1])] if n < len(book) else [_NAN, _NAN]
        for column, value in zip(values, row):
            column.append(value)
    if empty and not _files(data or DATA, stream, symbol, from_us, to_us):
        raise FileNotFoundError(_nothing(data, stream, symbol, from_us, to_us))
    columns["recv_time"] = list(columns["recv_us"])
    ends, marks, at = sorted(_ends(stream, symbol, from_us, to_us, data)), [], 0
    for us in columns["recv_us"]:
        before = at
        while at < len(ends) and ends[at] <= us:
            at += 1
        marks.append(at > before)
    columns["since_gap"] = marks
    return columns


def _level_count(stream, levels):
    most = int(stream[5:]) if re.fullmatch(r"depth\d+", stream) else 0
    return most if levels is None else min(most, levels)


def _ends(stream, symbol, from_us, to_us, data):
    return [gap["to_us"] for gap in gaps(stream, symbol, from_us - 1, to_us, data) if not gap["settled"]]


def _is_absent(stream, symbol, recv_us, at_us, data):
    return any(gap["to_us"] > recv_us and not gap["settled"] for gap in gaps(stream, symbol, recv_us, at_us + 1, data))


def _last(data, stream, symbol, at_us):
    """Returns the newest line at an instant, of that day or the day before."""
    for start in (at_us - 600_000_000, at_us - _DAY):
        last = None
        for last in _lines(data, stream, symbol, start, at_us + 1, parse=bytes):
            pass
        if last:
            return json.loads(last)
    return None


def _rebuilt(data, symbol, at_us, number):
    """Rebuilds a book: the newest REST book, then every later diff. Source: web-socket-streams.md of binance-spot-api-docs."""
    book = _last(data, "depthSnapshot", symbol, at_us)
    if book is None:
        raise LookupError(f"no book of {symbol} is recorded within a day before {_text(at_us)}")
    last_id, recv_us = book["lastUpdateId"], book["recv_us"]
    sides = [{number(px): number(sz) for px, sz in book[side]} for side in ("bids", "asks")]
    # A REST book is older than diffs that had arrived before it.
    for diff in _lines(data, "depth", symbol, recv_us - 600_000_000, at_us + 1):
        if diff["u"] <= last_id:
            continue
        if diff["U"] > last_id + 1:
            raise LookupError(f"diffs of {symbol} are missing before id {diff['U']}, at {_text(diff['recv_us'])}")
        for side, member in zip(sides, ("b", "a")):
            for px, sz in diff[member]:
                if number(sz) == 0:
                    side.pop(number(px), None)
                else:
                    side[number(px)] = number(sz)
        last_id, recv_us = diff["u"], max(recv_us, diff["recv_us"])
    if _is_absent("depth", symbol, recv_us, at_us, data):
        raise LookupError(f"{_text(at_us)} lies in a gap of {symbol}")
    bids, asks = sides
    return recv_us, [sorted(bids.items(), reverse=True), sorted(asks.items())]


def _known(stream):
    if stream not in _COLUMNS:
        raise ValueError(f'stream "{stream}" is unknown; give one of {", ".join(_COLUMNS)}')
    return stream


def _files(data, stream, symbol, from_us, to_us):
    """Lists the files of a range: archives, and segments that are not in an archive."""
    files = []
    for day in range(from_us - from_us % _DAY, min(to_us, _now() + _DAY), _DAY):
        date = _text(day)[:10]
        archive = _folder(data, "archive", stream, symbol, date, f"{symbol}-{stream}-{date}.jsonl.zst")
        merged = []
        if os.path.exists(archive) and os.path.exists(archive[: -len(".jsonl.zst")] + ".manifest.json"):
            files.append(archive)
            with open(archive[: -len(".jsonl.zst")] + ".manifest.json") as file:
                merged = json.load(file)["segments"]
        paths = {}
        for path in sorted(glob.glob(_folder(data, "live", stream, symbol, date, "*.jsonl*"))):
            name = re.fullmatch(r"(\d\d-\d\d(?:_\d+)?)\.jsonl(?:\.zst)?", os.path.basename(path))
            if name and name[1] not in merged:
                # The sealed segment is complete.
                paths[name[1]] = path
        files += paths.values()
    return files


def _lines(data, stream, symbol, from_us, to_us, parse=json.loads):
    """Yields the lines of a range in order of receipt, as dicts."""
    files = _files(data, stream, symbol, from_us, to_us)
    rows = ((us, text) for path in files for us, text in _read(path, from_us, to_us))
    if any("/live/" in after and "/archive/" in before for before, after in zip(files, files[1:])):
        # Segments that came after the merge lie between rows of the archive.
        rows = sorted(rows, key=lambda row: row[0])
    return (parse(text) for _, text in rows)


def _read(path, from_us, to_us):
    """Yields the receipt and the bytes of each line in a range."""
    for text in _text_lines(path):
        # The last line of an open segment may still be written.
        if not text.endswith(b"\n") or not text.startswith(_HEAD):
            continue
        us = int(text[len(_HEAD) : text.index(b",")])
        if from_us <= us < to_us:
            yield us, text


_HEAD = b'{"recv_us":'


def _text_lines(path):
    if not path.endswith(".zst"):
        with open(path, "rb") as file:
            yield from file
    elif _has("compression.zstd"):
        with importlib.import_module("compression.zstd").open(path, "rb") as file:
            yield from file
    elif _has("zstandard"):
        import io

        with open(path, "rb") as file:
            with importlib.import_module("zstandard").ZstdDecompressor().stream_reader(file) as stream:
                yield from io.BufferedReader(stream, 1 << 20)
    else:
        with subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE) as process:
            yield from process.stdout
        if process.returncode != 0:
            raise OSError(f"zstd could not read {path}; install zstd, or the package zstandard")


def _journal_gaps(data):
    """Reads the gaps of the recorder's journal: the newest entry of each gap counts."""
    found = {}
    try:
        with open(os.path.join(data, "journal", "recorder.journal"), encoding="utf-8", errors="replace") as file:
            rows = file.read().split("\n")[:-1]
    except FileNotFoundError:
        rows = []
    for row in rows:
        entry = re.fullmatch(r"[0-9a-f]{8} \d+ (\{.*\})", row)
        try:
            value = json.loads(entry[1]) if entry else {}
        except ValueError:
            continue
        if value.get("kind") == "gap":
            gap = value["gap"]
            key = (gap["stream"], gap["symbol"], gap["from_us"])
            found[key] = {**gap, "to_us": max(gap["to_us"], found.get(key, gap)["to_us"])}
    return list(found.values())


def _without(gap, days):
    """Returns the parts of a gap outside of days, of which the manifests tell."""
    parts = [(gap["from_us"], gap["to_us"])]
    for start, end in days:
        parts = [part for a, b in parts for part in ((a, min(b, start)), (max(a, end), b)) if part[0] < part[1]]
    return [{**gap, "from_us": a, "to_us": b} for a, b in parts]


def _folder(data, part, stream, symbol, date, name):
    return os.path.join(data, part, f"stream={stream}", f"symbol={symbol}", f"date={date}", name)


def _range(start, end):
    is_day = isinstance(start, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", start)
    from_us = _us(start)
    return from_us, _us(end) if end is not None else from_us + _DAY if is_day else _now()


def _us(when):
    """Returns µs since 1970 of a text in UTC, a datetime or a number."""
    if isinstance(when, int):
        return when
    if isinstance(when, str):
        when = datetime.datetime.fromisoformat(when.replace("Z", "+00:00"))
        when = when if when.tzinfo else when.replace(tzinfo=datetime.timezone.utc)
    if when.tzinfo is None:
        raise ValueError("a datetime needs a time zone")
    return (when - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)


def _date_us(date):
    return _us(date)


def _text(us):
    return datetime.datetime.fromtimestamp(us // 1_000_000, datetime.timezone.utc).isoformat()[:19] + f".{us % 1_000_000:06d}Z"


def _now():
    return int(datetime.datetime.now(datetime.timezone.utc).timestamp() * 1e6)


def _nothing(data, stream, symbol, from_us, to_us):
    return f"no {stream} of {symbol} in {data or DATA} from {_text(from_us)} to {_text(to_us)}"


def _has(module):
    try:
        importlib.import_module(module)
        return True
    except ImportError:
        return False
