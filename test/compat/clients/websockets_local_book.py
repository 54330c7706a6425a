"""Keeps local order books as Binance tells its clients to, with the libraries that Python users have.

usage: websockets_local_book.py WS_URL REST_URL FRAMES SYMBOL...
Prints lines of JSON: the books after FRAMES diffs each, the subscriptions before and after ending one, then one line for
each close it saw once the streams flow again on a new connection.
"""

import asyncio
import json
import sys
import urllib.request
from decimal import Decimal

import websockets

WS_URL, REST_URL, FRAMES, SYMBOLS = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]


class Book:
    def __init__(self, symbol):
        self.symbol = symbol
        self.bids, self.asks = {}, {}
        self.buffer, self.last_id, self.asked = [], None, False
        self.applied = self.breaks = self.compared = self.differing = self.unknown_ids = 0

    def receive(self, diff):
        if self.last_id is None:
            self.buffer.append(diff)
        elif diff["u"] > self.last_id:
            expected = self.last_id + 1
            if diff["U"] > expected or (self.applied > 0 and diff["U"] != expected):
                self.breaks += 1
            self.set_levels(diff["b"], diff["a"])
            self.last_id = diff["u"]
            self.applied += 1

    async def load(self):
        """Steps 2 to 5: a snapshot not older than the first buffered diff, then the buffered diffs that are newer."""
        url = f"{REST_URL}/api/v3/depth?symbol={self.symbol}&limit=5000"
        while True:
            snapshot = await asyncio.to_thread(lambda: json.load(urllib.request.urlopen(url)))
            if snapshot["lastUpdateId"] >= self.buffer[0]["U"]:
                break
        self.set_levels(snapshot["bids"], snapshot["asks"])
        self.last_id = snapshot["lastUpdateId"]
        for diff in self.buffer:
            self.receive(diff)

    def set_levels(self, bids, asks):
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, quantity in levels:
                if Decimal(quantity) == 0:
                    side.pop(price, None)
                else:
                    side[price] = quantity

    def top(self, side, best_first):
        return [list(level) for level in sorted(side.items(), key=lambda level: Decimal(level[0]) * best_first)[:20]]

    def compare(self, partial):
        if self.last_id is None or (self.applied == 0 and partial["lastUpdateId"] < self.last_id):
            return
        if partial["lastUpdateId"] != self.last_id:
            self.unknown_ids += 1
            return
        self.compared += 1
        if partial["bids"] != self.top(self.bids, -1) or partial["asks"] != self.top(self.asks, 1):
            self.differing += 1

    def report(self):
        names = ("symbol", "applied", "breaks", "compared", "differing")
        return {**{name: getattr(self, name) for name in names}, "unknownIds": self.unknown_ids}


def say(**line):
    print(json.dumps(line), flush=True)


async def request(socket, method, params, on_frame=lambda frame: None):
    """Sends a request and waits for its reply; what else arrives goes to `on_frame`."""
    await socket.send(json.dumps({"method": method, "params": params, "id": 1}))
    async for text in socket:
        message = json.loads(text)
        if "stream" not in message:
            assert message["id"] == 1, text
            return message["result"]
        on_frame(message)


async def follow_books():
    books = {symbol.lower(): Book(symbol) for symbol in SYMBOLS}
    streams = [f"{symbol}@{kind}@100ms" for symbol in books for kind in ("depth", "depth20")]
    loading = []
    async with websockets.connect(f"{WS_URL}/stream?streams={'/'.join(streams)}") as socket:
        async for text in socket:
            message = json.loads(text)
            symbol, kind, _ = message["stream"].split("@")
            book = books[symbol]
            if kind == "depth20":
                book.compare(message["data"])
            else:
                book.receive(message["data"])
                if not book.asked:
                    book.asked = True
                    loading.append(asyncio.create_task(book.load()))
            if all(book.applied >= FRAMES for book in books.values()):
                break
    await asyncio.gather(*loading)
    say(books=[book.report() for book in books.values()])


async def subscriptions():
    ended, kept = (f"{symbol.lower()}@depth@100ms" for symbol in SYMBOLS[:2])
    after = []
    async with websockets.connect(f"{WS_URL}/stream") as socket:
        await request(socket, "SUBSCRIBE", [ended, kept])
        before = await request(socket, "LIST_SUBSCRIPTIONS", [])
        await request(socket, "UNSUBSCRIBE", [ended])
        while len(after) < 20:
            after.append(json.loads(await socket.recv())["stream"])
        left = await request(socket, "LIST_SUBSCRIPTIONS", [])
    say(before=before, after=sorted(set(after)), left=left)


async def reconnect():
    url = f"{WS_URL}/ws/{SYMBOLS[0].lower()}@depth@100ms"
    last_close = None
    while True:
        async with websockets.connect(url) as socket:
            try:
                for _ in range(3):
                    assert json.loads(await socket.recv())["e"] == "depthUpdate"
                say(flowing=True, lastClose=last_close)
                async for _ in socket:
                    pass
            except websockets.ConnectionClosedError:
                pass
            last_close = [socket.close_code, socket.close_reason]


async def main():
    await follow_books()
    await subscriptions()
    await reconnect()


asyncio.run(main())
