import { expect, test } from "bun:test";
import { createBookProver, type Witness } from "../../../../server/domain/book/book-prover.ts";
import { readBestPrices, readBookDiff, readBookImage } from "../../../../server/domain/book/book-text.ts";

type Levels = readonly (readonly [price: number, quantity: number])[];
const text = (levels: Levels) => `[${levels.map(([price, quantity]) => `["${price}.00","${quantity}.00"]`).join(",")}]`;
const image = (id: number, bids: Levels, asks: Levels) =>
  `{"lastUpdateId":${id},"bids":${text(bids)},"asks":${text(asks)}}`;
const diff = (first: number, last: number, bids: Levels, asks: Levels = []) =>
  `{"U":${first},"u":${last},"b":${text(bids)},"a":${text(asks)}}`;
const ticker = (id: number, bid: Levels[number], ask: Levels[number]) =>
  `{"u":${id},"s":"BTCUSDT","b":"${bid[0]}.00","B":"${bid[1]}.00","a":"${ask[0]}.00","A":"${ask[1]}.00"}`;

function witness(stream: string, payloads: readonly string[]): Witness {
  let at = 0;
  const isTicker = stream === "bookTicker";
  const idOf = (payload: string) => Number(/"(?:lastUpdateId|u)":(\d+)/.exec(payload)?.[1]);
  return {
    stream,
    isRest: stream === "depthSnapshot",
    id: () => (at < payloads.length ? idOf(payloads[at] ?? "") : Number.POSITIVE_INFINITY),
    image: () => (isTicker ? readBestPrices : readBookImage)(payloads[at] ?? ""),
    next: () => at++,
  };
}

/** Feeds the first REST book, then the diffs; the others are witnesses only. */
function prove(restBook: string, diffs: readonly string[], witnesses: Readonly<Record<string, readonly string[]>>) {
  const prover = createBookProver(Object.entries(witnesses).map(([stream, payloads]) => witness(stream, payloads)));
  prover.restBook(() => readBookImage(restBook));
  for (const payload of diffs) {
    const read = readBookDiff(payload);
    if (read === null) throw new Error(payload);
    prover.diff(read);
  }
  return prover.result();
}

const first = image(
  100,
  [
    [10, 1],
    [9, 2],
    [8, 3],
  ],
  [
    [11, 4],
    [12, 5],
  ],
);

test("partial books and best prices of a diff's id prove the book; those within its ids are left out", () => {
  const { found, missing, ...result } = prove(first, [diff(101, 103, [[10, 7]]), diff(104, 105, [], [[11, 0]])], {
    depth5: [
      image(102, [[1, 1]], []),
      image(
        103,
        [
          [10, 7],
          [9, 2],
          [8, 3],
        ],
        [
          [11, 4],
          [12, 5],
        ],
      ),
      image(
        105,
        [
          [10, 7],
          [9, 2],
        ],
        [[12, 5]],
      ),
    ],
    bookTicker: [ticker(101, [1, 1], [2, 2]), ticker(105, [10, 7], [12, 5])],
  });
  expect({ found, missing }).toEqual({ found: [], missing: [] });
  expect(result).toEqual({
    proved: 3,
    compared_levels: 10,
    differences: 0,
    unprovable: null,
    witnesses: { depth5: 2, bookTicker: 1 },
  });
});

test("a wrong quantity, a lost level and a level too many are each named, once however many books show them", () => {
  const books = [103, 105].map((id) =>
    image(
      id,
      [
        [10, 6],
        [9, 2],
      ],
      [
        [11, 4],
        [12, 5],
      ],
    ),
  );
  const wrong = [
    diff(
      101,
      103,
      [
        [10, 7],
        [9.5, 1],
      ] as Levels,
      [[12, 0]],
    ),
    diff(104, 105, [[5, 1]]),
  ].map((payload) => payload.replace("9.5.00", "9.50"));
  const { found, differences } = prove(first, wrong, { depth20: books });
  expect(differences).toBe(3);
  expect(
    found.map(({ side, price, expected, found: ours, ...at }) => [at.stream, at.id, side, price, expected, ours]),
  ).toEqual([
    ["depth20", 103, "bid", "10.00", "6.00", "7.00"],
    ["depth20", 103, "bid", "9.50", "0.00", "1.00"],
    ["depth20", 103, "ask", "12.00", "5.00", "0.00"],
  ]);
});

test("after a move beyond the REST book's levels, partial books and best prices are compared only at known prices", () => {
  // Diffs have named 6, but not 7: whether the book had that level when it began is unknown.
  const moved = diff(101, 103, [
    [10, 0],
    [9, 0],
    [8, 0],
    [6, 1],
  ]);
  const { found, proved, compared_levels } = prove(first, [moved, diff(104, 105, [[6, 2]])], {
    depth20: [
      image(
        103,
        [
          [7, 50],
          [6, 1],
        ],
        [
          [11, 4],
          [12, 5],
          [13, 1],
        ],
      ),
      image(105, [[6, 3]], [[11, 9]]),
    ],
    bookTicker: [ticker(103, [7, 50], [11, 4])],
  });
  expect([proved, compared_levels]).toEqual([3, 3 + 2 + 1]);
  expect(found.map(({ id, side, price, expected }) => [id, side, price, expected])).toEqual([
    [105, "bid", "6.00", "3.00"],
    [105, "ask", "11.00", "9.00"],
  ]);
});

test("a REST book is compared where prices are known, without those that a diff around its id touches, and begins the next stretch", () => {
  // The price 7 is beyond the first REST book. The diff of ids 101 to 104 touches 10 and 6.
  const second = image(
    102,
    [
      [10, 99],
      [9, 2],
      [8, 3],
      [7, 50],
    ],
    [
      [11, 4],
      [12, 5],
    ],
  );
  const diffs = [
    diff(101, 104, [
      [10, 7],
      [6, 1],
    ]),
    diff(105, 106, [[9, 8]]),
  ];
  // From the second REST book on, 7 is known and 10 is as the diff says.
  const depth10 = [
    image(
      106,
      [
        [10, 7],
        [9, 8],
        [8, 3],
        [7, 50],
        [6, 1],
      ],
      [
        [11, 4],
        [12, 5],
      ],
    ),
  ];
  const right = prove(first, diffs, { depthSnapshot: [first, second], depth10 });
  expect([right.differences, right.compared_levels, right.witnesses]).toEqual([
    0,
    4 + 7,
    { depthSnapshot: 1, depth10: 1 },
  ]);
  const third = image(
    106,
    [
      [10, 7],
      [9, 8],
      [8, 4],
    ],
    [
      [11, 4],
      [13, 5],
    ],
  );
  const wrong = prove(first, diffs, { depthSnapshot: [first, third] });
  expect(wrong.found.map(({ side, price, expected, found }) => [side, price, expected, found])).toEqual(
    [
      ["bid", "8.00", "4.00", "3.00"],
      ["ask", "13.00", "5.00", "0.00"],
      ["ask", "12.00", "0.00", "5.00"],
    ].filter(([, price]) => price !== "13.00"),
  );
});

test("behind missing ids no book is compared until the next REST book; a late diff of a slower connection fills them", () => {
  const diffs = [diff(101, 102, [[10, 7]]), diff(105, 106, [[9, 8]])];
  const depth5 = [image(102, [[10, 7]], []), image(106, [[1, 1]], [])];
  const lost = prove(first, diffs, { depth5 });
  expect([lost.proved, lost.differences, lost.unprovable]).toEqual([1, 0, "missing_ids"]);
  expect(lost.missing).toEqual([{ fromId: 103, toId: 104 }]);
  const late = prove(first, [...diffs, diff(103, 104, [[10, 6]])], {
    depth5: [
      image(
        106,
        [
          [10, 6],
          [9, 8],
        ],
        [],
      ),
    ],
  });
  expect([late.proved, late.differences, late.unprovable, late.missing]).toEqual([1, 0, null, []]);
});

test("without a REST book or without a witness, the result says why it proves no book", () => {
  expect(prove("", [diff(1, 2, [[10, 1]])], {}).unprovable).toBe("no_rest_book");
  expect(prove(first, [diff(101, 102, [[10, 1]])], {}).unprovable).toBe("no_witness");
});
