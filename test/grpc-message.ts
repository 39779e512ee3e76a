/** The `ScoreRequest` that says the same as a body of `/v1/score` of the example's members. */
export function scoreMessage(payment: Record<string, unknown>): Record<string, unknown> {
  const { amount, acceptedAt, device, ...rest } = payment as {
    amount: string;
    acceptedAt: string;
    device?: { enrolledAt?: string };
  };
  return {
    ...rest,
    amountCentavos: amount.replace('.', ''),
    acceptedAt: timestamp(acceptedAt),
    ...(device === undefined ? {} : { device: { ...device, ...enrolled(device.enrolledAt) } }),
  };
}

/** The `CorrectRequest` that says the same as a body of `/v1/corrections`. */
export function correctMessage(correction: Record<string, unknown>): Record<string, unknown> {
  const { correctedAt, payment, ...rest } = correction as { correctedAt: string; payment?: Record<string, unknown> };
  return {
    ...rest,
    correctedAt: timestamp(correctedAt),
    ...(payment === undefined ? {} : { payment: scoreMessage(payment) }),
  };
}

function enrolled(at: string | undefined): object {
  return at === undefined ? {} : { enrolledAt: timestamp(at) };
}

function timestamp(text: string): { seconds: number; nanos: number } {
  const ms = Date.parse(text);
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: (ms - seconds * 1000) * 1_000_000 };
}
