// Peer `node`: socket.io as it comes, with the control surface of bench/peers/control.py.
"use strict";

const http = require("node:http");
const { Server } = require("socket.io");

const FANOUT_EVENT = "post:new";
const TEXT = "x".repeat(326 - 4 - `42["${FANOUT_EVENT}",{"at":"","text":""}]`.length - 20);
const ACK = { ok: true, data: { counts: { stay_strong: 7 }, mine: ["stay_strong"] } };
const MAX_EMITS = 100000;

let emitting = 0;
const server = http.createServer((request, response) => {
  const url = new URL(request.url, "http://peer");
  if (url.pathname === "/control/emit") return answer(response, startEmitting(url.searchParams));
  if (url.pathname === "/control/stats") return answer(response, stats(url.searchParams));
  response.writeHead(404).end();
});
// The control connection rests while a case is measured.
server.keepAliveTimeout = 120000;
const io = new Server(server);

io.on("connection", (socket) => {
  socket.join(socket.handshake.auth.rooms);
  socket.on("support:quick", (command, acknowledge) => acknowledge(ACK));
});

function answer(response, body) {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function announce(room, text) {
  const at = String(process.hrtime.bigint()).padStart(20, "0");
  io.to(room).emit(FANOUT_EVENT, { at, text });
}

function startEmitting(query) {
  const count = Math.min(Number(query.get("count")), MAX_EMITS);
  const text = query.has("text") ? "x".repeat(Number(query.get("text"))) : TEXT;
  const rate = Number(query.get("rate") || 0);
  const batch = Number(query.get("batch") || 1);
  emitting += 1;
  const emission = { room: query.get("room"), text, count, rate, batch, startedMs: performance.now() };
  setImmediate(emitNext, emission, 1);
  return { count };
}

function emitNext(emission, nth) {
  announce(emission.room, emission.text);
  if (nth >= emission.count) {
    emitting -= 1;
    return;
  }
  const dueMs = emission.rate ? emission.startedMs + (nth * 1000) / emission.rate : 0;
  const waitMs = dueMs - performance.now();
  if (waitMs > 0) setTimeout(emitNext, waitMs, emission, nth + 1);
  else if (nth % emission.batch === 0) setImmediate(emitNext, emission, nth + 1);
  else emitNext(emission, nth + 1);
}

function stats(query) {
  if (query.get("settle")) global.gc();
  const cpu = process.cpuUsage();
  return {
    cpu_s: (cpu.user + cpu.system) / 1e6,
    user_s: cpu.user / 1e6,
    rss_kb: process.memoryUsage.rss() / 1024,
    connections: io.of("/").sockets.size,
    emitting,
  };
}

server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(JSON.stringify({ port: server.address().port }));
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
