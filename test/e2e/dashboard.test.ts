import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { encoders, makeClip } from '../fixtures/encoded-clips.ts';
import { freePort } from '../../bench/support/free-port.ts';
import { startEncoderServer } from '../fixtures/encoder-server.ts';
import type { FakeKserve } from '../fixtures/fake-kserve.ts';
import { runStream } from '../fixtures/run-stream.ts';
import { type RunningService, startService } from '../fixtures/start-service.ts';

type Target = { readonly expr: string; readonly legendFormat: string };
type Panel = { readonly title: string; readonly targets: readonly Target[] };

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url));
const { panels } = JSON.parse(readFileSync(join(deploy, 'grafana/maskstream.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
};

const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;
if (!hasPrometheus) console.log('the dashboard is not asked: there is no prometheus here');

const folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
let encoder: FakeKserve;
let running: RunningService;
let prometheus: ChildProcess;
let address: string;

type Sample = { readonly metric: object; readonly value: readonly [number, string] };

async function query(expression: string): Promise<readonly Sample[]> {
  const body = new URLSearchParams({ query: expression });
  const response = await fetch(`${address}/api/v1/query`, { method: 'POST', body });
  const answer = (await response.json()) as {
    status: string;
    error?: string;
    data: { result: readonly Sample[] };
  };
  if (answer.status !== 'success') throw new Error(`${expression}: ${answer.error}`);
  return answer.data.result;
}

async function valueOf(expression: string): Promise<number> {
  return Number((await query(expression))[0]?.value[1] ?? 0);
}

function scrapesSoFar(): Promise<number> {
  return valueOf('count_over_time(maskstream_ready[5m])').catch(() => 0);
}

/** Resolves when the server has been scraped so many times more. */
async function scrapes(more: number): Promise<void> {
  const wanted = (await scrapesSoFar()) + more;
  const look = async () => {
    if ((await scrapesSoFar()) < wanted) throw new Error('the server was not scraped in time');
  };
  await vi.waitFor(look, { timeout: 20_000, interval: 200 });
}

/** Grafana's variables as it would fill them in. */
function fillIn(expression: string): string {
  return expression.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');
}

/** Whether a sample is a number: 0 divided by 0 is none. */
function isNumber({ value }: Sample): boolean {
  return Number.isFinite(Number(value[1]));
}

describe.skipIf(!hasPrometheus)('a Prometheus that scrapes the server', () => {
  beforeAll(async () => {
    encoder = await startEncoderServer();
    running = await startService({
      MASKSTREAM_METRICS_PORT: '0',
      MASKSTREAM_MAX_LOAD: '64',
      MASKSTREAM_KSERVE_ADDRESSES: encoder.address,
    });
    const scraped = new URL(running.service.metricsAddress ?? '').host;
    const port = await freePort();
    address = `http://127.0.0.1:${port}`;
    // The file of this folder, with another target and a shorter interval.
    const config = readFileSync(join(deploy, 'prometheus/prometheus.yml'), 'utf8')
      .replace('127.0.0.1:9464', scraped)
      .replace('scrape_interval: 15s', 'scrape_interval: 1s')
      .replace('alerts.yml', join(deploy, 'prometheus/alerts.yml'));
    writeFileSync(join(folder, 'prometheus.yml'), config);
    const words = [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ];
    prometheus = spawn('prometheus', words, { stdio: ['ignore', 'ignore', 'inherit'] });
    await scrapes(1);

    const clip = await makeClip({ encode: encoders.h264, extension: 'ts', size: '160x120' });
    const prompt = { objectId: 1, box: { x: 40, y: 30, width: 60, height: 50 } };
    const stream = running.client.segmentVideo({ container: 'mpeg-ts', delivery: 'every-frame' });
    const outcome = await runStream(stream, readFileSync(clip), [prompt]);
    if (outcome.failure !== null) throw outcome.failure;
    // A rate needs a difference.
    await scrapes(2);
  });

  afterAll(async () => {
    await running[Symbol.asyncDispose]();
    await encoder[Symbol.asyncDispose]();
    const ended = once(prometheus, 'exit');
    prometheus.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true });
  });

  test.each(panels.map((panel) => [panel.title, panel] as const))(
    'the panel "%s" has data',
    async (_, panel) => {
      expect(panel.targets.length).toBeGreaterThan(0);
      for (const { expr, legendFormat } of panel.targets) {
        const samples = (await query(fillIn(expr))).filter(isNumber);
        if (samples.length === 0) throw new Error(`no data for ${expr}`);
        const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label ?? '');
        for (const label of labels) expect(samples[0]?.metric).toHaveProperty(label);
      }
    },
  );

  test('the figures are those of the stream', async () => {
    expect(await valueOf('maskstream_frames_answered_total')).toBe(20);
    expect(await valueOf('sum(maskstream_keyframes_total)')).toBeGreaterThan(0);
    expect(await valueOf('maskstream_calls_total{kind="video",code="ok"}')).toBe(1);
    expect(await valueOf('maskstream_prompts_total{answer="accepted"}')).toBe(1);
    expect(await valueOf('sum(maskstream_mask_confidence_count)')).toBeGreaterThan(0);
    expect(await valueOf('maskstream_streams{kind="video"}')).toBe(0);
    const asked = await valueOf('maskstream_inference_calls_total{outcome="ok"}');
    expect(asked).toBe(encoder.runs.length);
  });

  test('every alert can be evaluated, and none fires here', async () => {
    const response = await fetch(`${address}/api/v1/rules`);
    const { data } = (await response.json()) as {
      data: { groups: { rules: { name: string; health: string; state: string }[] }[] };
    };
    const rules = data.groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThanOrEqual(5);
    for (const rule of rules) expect(rule).toMatchObject({ state: 'inactive' });
  });
});

test('every panel has a title of its own and a place of its own', () => {
  const titles = new Set(panels.map(({ title }) => title));
  expect(titles.size).toBe(panels.length);
});
