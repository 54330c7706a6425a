/** An address as guesses are counted: IPv4 whole, of IPv6 the /64, which one customer has to himself. */
export function networkOf(address: string): string {
  return address.includes(":") ? groupsOf(address, 4) : address;
}

/** The neighbourhood of an address: of IPv6 the /48, which one customer may have as well, of IPv4 the /16. */
export function siteNetworkOf(address: string): { readonly name: string; readonly isOneCustomer: boolean } {
  if (address.includes(":")) return { name: `${groupsOf(address, 3)}/48`, isOneCustomer: true };
  return { name: `${address.split(".").slice(0, 2).join(".")}/16`, isOneCustomer: false };
}

function groupsOf(address: string, count: number): string {
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => "0"), ...right];
  return groups
    .slice(0, count)
    .map((group) => group.replace(/^0+(?=.)/, "").toLowerCase())
    .join(":");
}
