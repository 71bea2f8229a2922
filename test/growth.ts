const cpu = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function took(work: (size: number) => unknown, size: number): Promise<number> {
  const start = cpu()
  await work(size)
  return cpu() - start
}

/**
 * How many times as long four times as much work takes: 4 when the time grows with the size, 16 with its square. In time
 * of the processor, which other programs do not take.
 */
export async function growth(work: (size: number) => unknown, size: number): Promise<number> {
  await work(size)
  const once = Math.max(await took(work, size), await took(work, size))
  return (await took(work, 4 * size)) / once
}

/** Between growing with the size and with its square. */
export const tooFast = 9
