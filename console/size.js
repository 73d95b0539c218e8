// Refuses a console that has grown too large: at most 2 MB in all, and 500 kB gzipped at the first load.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const MOST = 2_000_000;
const MOST_FIRST = 500_000;

const files = readdirSync("dist", { recursive: true }).map((name) => join("dist", name)).filter((name) => statSync(name).isFile());
const all = files.reduce((sum, name) => sum + statSync(name).size, 0);
const page = readFileSync("dist/index.html", "utf8");
const first = files.filter((name) => name.endsWith("index.html") || page.includes(name.slice("dist/".length)));
const zipped = first.reduce((sum, name) => sum + gzipSync(readFileSync(name)).length, 0);
console.log(`— the console: ${(all / 1000).toFixed(0)} kB in all, ${(zipped / 1000).toFixed(0)} kB gzipped at the first load`);
if (all > MOST || zipped > MOST_FIRST) {
  console.error(`the console may have ${MOST} bytes in all and ${MOST_FIRST} gzipped at the first load`);
  process.exit(1);
}
