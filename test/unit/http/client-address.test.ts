import { expect, test } from "bun:test";
import { createReadClient } from "../../../server/http/auth/client-address.ts";

const read = createReadClient({ trustedProxies: ["127.0.0.1", "::1", "10.0.0.0/8"], publicUrl: "" });
const addressOf = (peer: string, forwardedFor?: string) =>
  read(
    new Request("http://nas/", { headers: forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor } }),
    peer,
  ).address;

test("the client is the last address that no trusted proxy vouches for, whatever the client itself has claimed", () => {
  expect(addressOf("127.0.0.1", "203.0.113.7")).toBe("203.0.113.7");
  expect(addressOf("::1", "1.1.1.1, 203.0.113.7")).toBe("203.0.113.7");
  expect(addressOf("::ffff:127.0.0.1", "1.1.1.1, 203.0.113.7, 10.1.2.3")).toBe("203.0.113.7");
  expect(addressOf("127.0.0.1", "10.0.0.9, 10.0.0.8")).toBe("10.0.0.9");
  expect(addressOf("127.0.0.1", "[2001:db8::1]:443")).toBe("2001:db8::1");
  expect(addressOf("127.0.0.1", "203.0.113.7, unknown")).toBe("127.0.0.1");
  expect(addressOf("127.0.0.1", "'; drop table, ")).toBe("127.0.0.1");
  expect(addressOf("127.0.0.1")).toBe("127.0.0.1");
});

test("a stranger cannot say that it is somebody else", () => {
  expect(addressOf("203.0.113.7", "127.0.0.1")).toBe("203.0.113.7");
  const headers = { host: "nas", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https" };
  const visitor = read(new Request("http://nas/", { headers }), "203.0.113.7");
  expect(visitor).toMatchObject({ isHttps: false, hosts: ["nas"], proxy: "none", isLocal: false });
});
