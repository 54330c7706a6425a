import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsPair } from "../../../server/simulator/listen.ts";
import { temporaryFolder } from "../folder.ts";

/** A self-signed certificate for 127.0.0.1 and localhost, and where its PEM lies. */
export type Certificate = TlsPair & { readonly path: string };

const fixtures = join(import.meta.dir, "../../fixtures/tls");

/** A fresh certificate, for one more name if given, if the machine has the openssl command; otherwise the certificate in test/fixtures/tls. */
export function createCertificate(name = "localhost"): Certificate {
  const folder = temporaryFolder();
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  if (Bun.which("openssl") !== null) {
    const made = Bun.spawnSync(["openssl", ...requestFor(name), "-keyout", keyFile, "-out", certFile]);
    if (made.exitCode === 0) return read(keyFile, certFile);
    throw new Error(`openssl made no certificate: ${made.stderr.toString()}`);
  }
  writeFileSync(certFile, readFileSync(join(fixtures, "cert.pem")));
  return read(join(fixtures, "key.pem"), certFile);
}

/** The committed one, whether or not there is openssl. */
export function committedCertificate(): Certificate {
  return read(join(fixtures, "key.pem"), join(fixtures, "cert.pem"));
}

const requestFor = (name: string) => [
  ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "36500"],
  ...["-subj", "/CN=rt-data test exchange", "-addext", `subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:${name}`],
];

function read(keyFile: string, certFile: string): Certificate {
  return { key: readFileSync(keyFile, "utf8"), cert: readFileSync(certFile, "utf8"), path: certFile };
}
