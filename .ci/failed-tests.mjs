// Reads vitest's JSON report and tells which tests failed and why, a few lines each: what a reader of a long log wants
// to see first.
//
//   node .ci/failed-tests.mjs REPORT

import fs from "node:fs";
import path from "node:path";

const LINES_OF_EACH = 12;

const { testResults } = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
for (const { name, message, assertionResults } of testResults) {
  const file = path.relative(process.cwd(), name);
  const failed = assertionResults.filter(({ status }) => status === "failed");
  // A file that cannot be loaded, or whose hooks fail, has a message of its own.
  if (failed.length === 0 && message) print(file, message);
  for (const { fullName, failureMessages } of failed)
    print(`${file}: ${fullName}`, failureMessages.join("\n"));
}

function print(title, text) {
  console.log(`FAILED  ${title}\n${text.split("\n").slice(0, LINES_OF_EACH).join("\n")}\n`);
}
