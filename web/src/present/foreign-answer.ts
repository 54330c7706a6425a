/** How the recorder says that somebody else has answered in Binance's place; see server/platform/fetch/foreign-answer.ts. */
const foreign =
  /^(.*): something between this machine and Binance answers in its place.* or (exchange\.\w+) is wrong; /;

/** What came and the setting with the address, if the reason is one of those; null for any other. */
export function foreignAnswerIn(reason: string): { readonly seen: string; readonly key: string } | null {
  const [, seen, key] = foreign.exec(reason) ?? [];
  return seen === undefined || key === undefined ? null : { seen, key };
}
