// Packs the built page into a C++ source: node pack.mjs DIST OUT.cpp. Each file as it is, with gzip and with brotli.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [dist, out] = process.argv.slice(2);
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
/** Literals longer than this are cut: compilers need not take longer ones. */
const kPiece = 8000;

function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}

const escapes = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  // Three octal digits always: a digit that follows is not swallowed. A question mark could begin a trigraph.
  return byte >= 32 && byte < 127 && char !== '"' && char !== "\\" && char !== "?" ? char : `\\${byte.toString(8).padStart(3, "0")}`;
});

function literal(bytes) {
  if (bytes.length === 0) return "{}";
  const pieces = [];
  for (let at = 0; at < bytes.length; at += kPiece) {
    let text = "";
    for (const byte of bytes.subarray(at, at + kPiece)) text += escapes[byte];
    pieces.push(`"${text}"`);
  }
  return `std::string_view{${pieces.join("\n")}, ${bytes.length}}`;
}

const rows = filesIn(dist)
  .sort()
  .map((path) => {
    const type = types[extname(path)];
    if (type === undefined) throw new Error(`pack.mjs: no content type for ${path}`);
    const plain = readFileSync(path);
    const etag = `"${createHash("sha256").update(plain).digest("hex").slice(0, 24)}"`;
    const brotli = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
    const parts = [literal(plain), literal(gzipSync(plain, { level: 9 })), literal(brotli)];
    return `    {"/${relative(dist, path)}", "${type}", ${JSON.stringify(etag)}, ${parts.join(",\n     ")}},\n`;
  });

writeFileSync(
  out,
  `// Made by dashboards/page/pack.mjs of the built page.\n#include "api/page_files.hpp"\n\nnamespace orchestrator::api {\n` +
    `const PageFile kPageFiles[] = {\n${rows.join("")}};\nconst unsigned kPageFiles_count = ${rows.length};\n}  // namespace orchestrator::api\n`,
);
