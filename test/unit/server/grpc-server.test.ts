import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Client, credentials } from '@grpc/grpc-js';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Scoring } from '../../../src/scoring/scoring-port.ts';
import { buildGrpcServer, type GrpcServer } from '../../../src/server/grpc-server.ts';
import { buildMetrics } from '../../../src/server/metrics.ts';

const HAS_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
const unused = () => Promise.reject(new Error('not asked'));
const scoring = { score: unused, recordCorrection: unused } as unknown as Scoring;

/** What a watch of a service's health tells, as bytes of HealthCheckResponse, up to the end of the call. */
function watchHealth(client: Client, service: string): { readonly told: string[]; next(): Promise<void> } {
  const told: string[] = [];
  const bytes = Buffer.from(service);
  const request = bytes.length === 0 ? bytes : Buffer.concat([Buffer.from([10, bytes.length]), bytes]);
  const same = (value: Buffer): Buffer => value;
  const call = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', same, same, request);
  call.on('data', (reply: Buffer) => told.push(['UNKNOWN', 'SERVING', 'NOT_SERVING'][reply[1] ?? 0] ?? '?'));
  call.on('error', () => undefined);
  return { told, next: () => new Promise((resolve) => call.once('data', () => resolve())) };
}

describe('the gRPC server', () => {
  let server: GrpcServer;
  beforeEach(() => {
    const build = { version: '0', featureSet: 'none', model: 'none', node: process.version };
    const metrics = buildMetrics({ gauges: {}, build });
    const readiness = { ready: true, stopping: false };
    server = buildGrpcServer({ scoring, readiness, metrics, logger: pino({ level: 'silent' }) });
  });
  afterEach(() => server.close(0));

  it.each(['127.0.0.1', '::1'])('listens on %s, and tells that nothing of it serves once it stops', async (host) => {
    if (host === '::1' && !HAS_IPV6) return;
    const port = await server.listen(host, 0);
    const client = new Client(host === '::1' ? `[::1]:${port}` : `${host}:${port}`, credentials.createInsecure());
    const watches = ['', 'sentinela.scoring.v1.Scoring'].map((service) => watchHealth(client, service));
    await Promise.all(watches.map((watch) => watch.next()));
    const changed = Promise.all(watches.map((watch) => watch.next()));
    await Promise.all([changed, server.close(300)]);
    for (const { told } of watches) expect(told).toEqual(['SERVING', 'NOT_SERVING']);
    client.close();
  });

  it('names a port that is taken, and else the reason why it cannot listen', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    await expect(server.listen('127.0.0.1', port)).rejects.toMatchObject({
      code: 'locked',
      message: `gRPC cannot listen on 127.0.0.1:${port}: is another process there?`,
    });
    taken.close();
    await expect(server.listen('192.0.2.1', 0)).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/gRPC cannot listen on 192\.0\.2\.1:0: .*EADDRNOTAVAIL/),
    });
    await expect(server.listen('2001:db8::1', 9)).rejects.toThrow(/gRPC cannot listen on \[2001:db8::1\]:9: /);
  });
});
