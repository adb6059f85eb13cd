// Answers every request with its path, on port 8080.
"use strict";

const { createServer } = require("node:http");

createServer((request, response) => {
  response.end(`${request.url}\n`);
}).listen(8080);
