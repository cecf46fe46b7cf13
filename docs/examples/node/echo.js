// SPDX-License-Identifier: Apache-2.0
// echo.js - send a text to an echo server, through the broker: node echo.js IPV4-ADDRESS PORT [TEXT]
'use strict';
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const proto = process.env.SOCKBROKER_PROTO || `${__dirname}/../../../proto`;
const { Broker } = grpc.loadPackageDefinition(loader.loadSync('sockbroker/v1/broker.proto', {
  includeDirs: [proto],
  enums: String, // an error is 'ERRNO_ECONNREFUSED', not 111
  defaults: true, // fields that were not sent are there: 'ERRNO_NONE', 0, empty
})).sockbroker.v1;
const broker = new Broker(process.env.SOCKBROKER_ADDRESS || 'unix:/run/sockbroker/broker.sock',
  grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
const AF_INET = 2, SOCK_STREAM = 1, MSG_WAITALL = 0x100; // Linux's numbers, everywhere

// The operation's own error is in its reply; a failed RPC tells of the connection or the protocol.
function check(operation, reply) {
  if (reply.error === 'ERRNO_NONE') return reply;
  throw new Error(`${operation}: ${String(reply.error).replace('ERRNO_', '')}`);
}

async function call(operation, request) {
  return check(operation, await new Promise((resolve, reject) => broker[operation](request, metadata,
    (failure, reply) => (failure ? reject(failure) : resolve(reply)))));
}

async function echo(address, port, text) {
  const { handle } = await call('Socket', { family: AF_INET, type: SOCK_STREAM });
  const inet = { ip: Buffer.from(address.split('.')), port };
  await call('Connect', { handle, address: { inet }, timeoutNs: 5e9 });
  await call('Send', { handle, data: Buffer.from(text) });
  const { data } = await call('Recv', {
    handle, length: Buffer.byteLength(text), flags: MSG_WAITALL, timeoutNs: 5e9 });
  await call('Close', { handle });
  return data.toString();
}

async function main(address, port, text = 'hello') {
  // The session lasts, and its sockets with it, as long as this stream is open.
  const session = broker.Session();
  const replies = session[Symbol.asyncIterator]();
  try {
    session.write({ requests: [{ id: 1, hello: { version: 1, client: 'echo.js' } }] });
    const { welcome } = (await replies.next()).value.replies[0];
    metadata.set('sockbroker-session', check('Hello', welcome).token);
    console.log('received', await echo(address, Number(port), text));
  } finally {
    session.end(); // we end the stream, and with it the session …
    await replies.next(); // … and hear that the broker has
  }
}

if (process.argv.length < 4) throw new Error('usage: node echo.js IPV4-ADDRESS PORT [TEXT]');
main(...process.argv.slice(2)).catch((error) => {
  console.error('echo.js:', error.message);
  process.exitCode = 1;
});
