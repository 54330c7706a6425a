import { expect, test } from "bun:test";
import { routeTo } from "../../../server/platform/fetch/proxy-route.ts";
import { proxyVariables } from "../../../server/platform/process/environment.ts";

/** Returns the proxy for a target: its host and port, "direct", or "unusable". */
function routeOf(target: string, environment: Record<string, string>): string {
  const route = routeTo(target, proxyVariables(environment));
  return route.kind === "proxy" ? new URL(route.url).host : route.kind;
}

const ws = "wss://stream.binance.com:9443/stream?streams=x";
const rest = "https://api.binance.com/api/v3/ping";

test("sockets and REST take the same way: by scheme, lower case first, ALL_PROXY last, empty means not set", () => {
  const environment = { HTTPS_PROXY: "http://a:1", HTTP_PROXY: "http://b:2", ALL_PROXY: "http://c:3" };
  for (const target of [ws, rest]) expect(routeOf(target, environment)).toBe("a:1");
  for (const target of ["ws://x.example", "http://x.example"]) expect(routeOf(target, environment)).toBe("b:2");
  expect(routeOf(ws, { ...environment, https_proxy: "http://d:4" })).toBe("d:4");
  expect(routeOf(ws, { ...environment, HTTPS_PROXY: " " })).toBe("c:3");
  expect(routeOf(ws, { HTTP_PROXY: "http://b:2" })).toBe("direct");
  expect(routeOf(ws, {})).toBe("direct");
  expect(routeOf(ws, { https_proxy: "proxy.corp:3128" })).toBe("proxy.corp:3128");
});

test("this machine is never reached through a proxy, whatever NO_PROXY says", () => {
  const environment = { ALL_PROXY: "http://c:3" };
  for (const host of ["127.0.0.1:8000", "127.9.9.9", "localhost:9443", "[::1]:8000", "[::ffff:127.0.0.1]"])
    expect([host, routeOf(`http://${host}/`, environment)]).toEqual([host, "direct"]);
});

test("NO_PROXY takes names with their subdomains, ports, addresses, ranges and *", () => {
  const isExcepted = (target: string, NO_PROXY: string) =>
    routeOf(target, { ALL_PROXY: "http://c:3", NO_PROXY }) === "direct";
  for (const [target, list] of [
    [rest, "api.binance.com"],
    [rest, "x.example, BINANCE.com"],
    [rest, "x.example .binance.com"],
    [rest, "*.binance.com"],
    [rest, "*"],
    [rest, "binance.com:443"],
    [ws, "binance.com:9443"],
    ["https://10.1.2.3", "10.0.0.0/8"],
    ["https://10.1.2.3:9000", "10.1.2.3"],
    ["https://10.1.2.3:9000", "10.1.2.3:9000"],
    ["https://[fd00::5]:1", "fd00::/8"],
    ["https://[fd00::5]", "fd00::5"],
    ["https://[fd00::5]:9", "[fd00::5]:9"],
  ] as const)
    expect([target, list, isExcepted(target, list)]).toEqual([target, list, true]);
  for (const [target, list] of [
    [rest, "notbinance.com"],
    [rest, "inance.com"],
    [rest, "com.binance.api"],
    [rest, "binance.com:9443"],
    [rest, "10.0.0.0/8,,"],
    ["https://11.1.2.3", "10.0.0.0/8"],
    ["https://10.1.2.3", "10.1.2.3/99"],
    ["https://10.1.2.3", "1.2.3"],
    ["https://[fd00::5]", "10.0.0.0/8"],
  ] as const)
    expect([target, list, isExcepted(target, list)]).toEqual([target, list, false]);
});

test("a proxy that cannot be used is said so, without its password, and the connection fails", () => {
  for (const address of ["socks5://u:hush@c:3", "http://u:hush@:3", "ftp://u:hush@c"]) {
    const route = routeTo(ws, proxyVariables({ ALL_PROXY: address }));
    expect(route).toMatchObject({ kind: "unusable", variable: "ALL_PROXY" });
    expect(JSON.stringify(route)).toContain("ALL_PROXY must be the address of an HTTP proxy: http://host:port");
    expect(JSON.stringify(route)).not.toContain("hush");
  }
  const route = routeTo(ws, proxyVariables({ HTTPS_PROXY: "http://u:hush@c:3" }));
  expect(route.kind === "proxy" && route.name).toBe("the proxy c:3 (HTTPS_PROXY)");
});
