import { type Agent, request } from 'node:http'
import type { Serving } from './server.js'

/** Asks by a connection that is kept where the agent keeps it. */
export function ask(url: string, body: Buffer, agent?: Agent) {
  return new Promise<{ status: number; connection: string | undefined; body: Record<string, unknown> }>((resolve, reject) => {
    const sent = request(`${url}/classify`, { method: 'POST', agent }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part) => parts.push(part))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode!, connection: response.headers.connection, body: JSON.parse(String(Buffer.concat(parts))) }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

export async function until(is: () => Promise<boolean>): Promise<void> {
  while (!(await is())) await new Promise((resolve) => setTimeout(resolve, 20))
}

export async function health({ url }: Pick<Serving, 'url'>) {
  return (await (await fetch(`${url}/health`)).json()) as { requests: { open: number; answered: number } }
}
