import {
  createSecret,
  idOf,
  printToken,
  type TokenScope,
  tokenPath,
  tokensFolder,
} from "../../../server/http/auth/tokens/token-file.ts";
import { writePrivately } from "../../../server/platform/files/durable-files.ts";

/** Stores a token as `rt-data token create` does; returns its secret and its file. */
export function storeToken(
  dataDir: string,
  scope: TokenScope,
  over: { name?: string; created_us?: number; lifetime_s?: number | null } = {},
): { secret: string; path: string } {
  const secret = createSecret();
  const id = idOf(secret);
  const path = tokenPath(tokensFolder(dataDir), id);
  const { name = scope, created_us = Date.now() * 1000, lifetime_s = null } = over;
  writePrivately(path, printToken({ id, name, scope, created_us, lifetime_s }), dataDir);
  return { secret, path };
}
