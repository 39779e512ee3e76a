// A peer of the HTTP bench, in a process of its own: `node bench/http-peer.mjs node|fastify`.
import { createServer } from 'node:http';
import fastify from 'fastify';
import { PaymentSchema } from '../dist/domain/payment.js';

/** An answer of the size and form of a decision. */
const answer = (id, side) => ({
  endToEndId: id,
  side,
  decision: 'APPROVE',
  score: 0.0012345678,
  reasons: ['FIRST_PAYMENT_TO_PAYEE'],
  model: { name: 'peer', version: '1', sha256: '0'.repeat(64) },
  featureSet: { name: 'peer', version: '000000000000' },
  ruleId: 'payer-default',
  policyVersion: 'peer',
  degraded: [],
  decidedAt: '2026-01-01T00:00:00.000Z',
});

const kind = process.argv[2];
if (kind === 'node') {
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const payment = JSON.parse(Buffer.concat(chunks));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer(payment.endToEndId, payment.side)));
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
} else {
  const app = fastify();
  app.post('/v1/score', { schema: { body: JSON.parse(JSON.stringify(PaymentSchema)) } }, async ({ body }) =>
    answer(body.endToEndId, body.side),
  );
  await app.listen({ port: 0, host: '127.0.0.1' });
  console.log(app.server.address().port);
}
