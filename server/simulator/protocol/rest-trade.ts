/** A trade, prices and quantities as the decimal texts that were traded at. */
export type TradeOf = {
  readonly id: number;
  readonly price: string;
  readonly quantity: string;
  readonly timeMs: number;
  readonly buyerIsMaker: boolean;
};

/** A trade in the words of `GET /api/v3/trades` (binance-spot-api-docs, rest-api.md, "Recent trades list"). */
export function restTrade({ id, price, quantity, timeMs, buyerIsMaker }: TradeOf): string {
  const values = `"price":"${price}","qty":"${quantity}","quoteQty":"${product(price, quantity)}"`;
  return `{"id":${id},${values},"time":${timeMs},"isBuyerMaker":${buyerIsMaker},"isBestMatch":true}`;
}

/** Exact to 8 decimals, the rest cut off, as the exchange does. */
function product(a: string, b: string): string {
  const [left, right] = [scaled(a), scaled(b)];
  const digits = left.decimals + right.decimals;
  const value = left.value * right.value;
  const eight = digits > 8 ? value / 10n ** BigInt(digits - 8) : value * 10n ** BigInt(8 - digits);
  const text = eight.toString().padStart(9, "0");
  return `${text.slice(0, -8)}.${text.slice(-8)}`;
}

function scaled(text: string): { value: bigint; decimals: number } {
  const point = text.indexOf(".");
  return { value: BigInt(text.replace(".", "")), decimals: point < 0 ? 0 : text.length - point - 1 };
}
