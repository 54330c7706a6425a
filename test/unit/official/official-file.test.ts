import { expect, test } from "bun:test";
import { comparedText, officialKind, parseRow, restPayload } from "../../../server/official/official-file.ts";

const rows = {
  aggTrade: "26129,0.01633102,4.70443515,27781,27782,1498793709153123,True,False",
  trade: "28457,4.00000100,12.00000000,48.00001200,1499865549590,true,True",
};
const rest = {
  aggTrade: '{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27782,"T":1498793709153,"m":true,"M":false}',
  trade:
    '{"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.00001200","time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}',
};
const sent = {
  aggTrade:
    '{"e":"aggTrade","E":1498793709160,"s":"ETHBTC","a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27782,"T":1498793709153,"m":true,"M":false}',
  trade:
    '{"e":"trade","E":1499865549600,"s":"ETHBTC","t":28457,"p":"4.00000100","q":"12.00000000","T":1499865549590,"m":true,"M":true}',
};

test.each(["aggTrade", "trade"] as const)(
  "a row of %s becomes the object that REST sends, and compares equal with what REST and the socket send",
  (stream) => {
    const kind = officialKind(stream);
    if (kind === null) throw new Error("no such kind");
    const row = parseRow(kind, rows[stream]);
    if (row === null) throw new Error("no row");
    expect(restPayload(kind, row)).toBe(rest[stream]);
    for (const payload of [rest[stream], sent[stream]]) expect(comparedText(kind, payload)?.text).toBe(row.text);
    expect(comparedText(kind, sent[stream].replace('"q":"', '"q":"1'))?.text).not.toBe(row.text);
    expect(comparedText(kind, sent[stream].replace('"m":true', '"m":false'))?.text).not.toBe(row.text);
    expect([row.isInUs, Math.floor(row.timeUs / 1000)]).toEqual(
      stream === "trade" ? [false, 1499865549590] : [true, 1498793709153],
    );
  },
);
