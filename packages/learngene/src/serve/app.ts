import { fits, formatBudget, formatMeasure, parseBudget } from '@learngene/budget-search'
import type { Budget, RawImage } from '@learngene/interfaces'
import { type Context, Hono } from 'hono'
import { oneLine } from '../errors.js'
import type { Prediction } from '../predict/classify.js'
import { version } from '../version.js'
import { batchQueue } from './batch-queue.js'
import type { Engine, ServedModel } from './engine.js'
import { gate } from './gate.js'
import { Refusal } from './refusal.js'
import { MOST_PIXELS, pictureBytes, preparedPicture } from './request-picture.js'

export interface AppOptions {
  /** Requests that are read, decoded, wait or are computed at a time; further ones are refused at once. */
  readonly queue: number
  /** Pictures that are computed at a time. */
  readonly batchSize: number
  /** Of a request's body. */
  readonly maxBytes: number
  /** Milliseconds from a request's first byte to its answer. */
  readonly timeout: number
}

/** The service without a server: `fetch` answers requests. */
export interface ServeApp {
  fetch(request: Request): Response | Promise<Response>
  /** Refuses what comes from now on. Resolves when all that was taken is answered. */
  drain(): Promise<void>
}

/** What is asked for in the query. */
interface Asked {
  readonly model: number
  readonly top: number
}

interface Item {
  readonly picture: RawImage
  readonly top: number
}

const ROUTES = { '/classify': 'POST', '/models': 'GET', '/health': 'GET' } as const

const MEASURES = ['latency', 'macs', 'params', 'parameters', 'memory'] as const

const DEFAULT_TOP = 5

/** Answers POST /classify, GET /models and GET /health with an engine. */
export function serveApp(engine: Engine, { queue: capacity, batchSize, maxBytes, timeout }: AppOptions): ServeApp {
  const { models, chosen, classNames, address, backend } = engine
  const started = performance.now()
  const counts = { answered: 0, refused: 0, failed: 0 }
  /** Requests whose work has not ended. */
  let open = 0
  let isDraining = false
  let failure: Error | undefined
  void engine.failed.then((error) => {
    failure = error
  })
  let drained = () => {}
  const decoding = gate(MOST_PIXELS)
  /** Milliseconds that a picture took lately, in its batch. */
  let pace = models[chosen]!.latency ?? 1
  const queue = batchQueue<Item, Prediction[]>(batchSize, async (model, items) => {
    const start = performance.now()
    const most = Math.max(...items.map(({ top }) => top))
    const predictions = await engine.classify(
      model,
      items.map(({ picture }) => picture),
      most,
    )
    pace += 0.1 * ((performance.now() - start) / items.length - pace)
    return items.map(({ top }, i) => predictions[i]!.slice(0, top))
  })

  const take = (): void => {
    if (failure) throw new Refusal(503, `nothing can be computed: ${failure.message}; start the server again`)
    if (isDraining)
      throw new Refusal(503, 'the server is shutting down: send the request to another', { Connection: 'close', 'Retry-After': '5' })
    if (open >= capacity) {
      const seconds = Math.max(1, Math.ceil((open * pace) / 1000))
      throw new Refusal(503, `${capacity} requests at a time are taken, and so many are under way: try again in ${seconds} s`, {
        'Retry-After': String(seconds),
      })
    }
    open++
  }
  const release = (): void => {
    open--
    if (isDraining && open === 0) drained()
  }

  async function classify(context: Context): Promise<Response> {
    const asked = askedFor(new URL(context.req.url).searchParams, models, chosen)
    take()
    const control = new AbortController()
    let isRead = false
    const tooSlow = () =>
      control.abort(
        isRead
          ? new Refusal(504, `an answer must be ready within ${timeout} ms; it was not: ask for a smaller model, or send less at a time`)
          : new Refusal(408, `the body must come within ${timeout} ms; it did not: send a smaller picture`, { Connection: 'close' }),
      )
    const timer = setTimeout(tooSlow, timeout)
    const { signal: gone } = context.req.raw
    const leave = () => control.abort(new Refusal(408, 'the client has gone'))
    gone.addEventListener('abort', leave, { once: true })
    const { signal } = control
    const work = (async () => {
      try {
        const bytes = await pictureBytes(context.req.raw, maxBytes, signal)
        isRead = true
        const picture = await preparedPicture(bytes, engine, decoding, signal)
        return await queue.push(asked.model, { picture, top: asked.top }, signal)
      } finally {
        clearTimeout(timer)
        gone.removeEventListener('abort', leave)
        // Where the answer was too slow the work has ended only now.
        release()
      }
    })()
    const late = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
    const top = await Promise.race([work, late])
    counts.answered++
    return context.json({ model: models[asked.model]!.name, top })
  }

  const app = new Hono()
  app.use(async (context, next) => {
    await next()
    if (isDraining) context.header('Connection', 'close')
  })
  app.post('/classify', classify)
  app.get('/models', (context) =>
    context.json({
      model: address,
      backend,
      chosen: models[chosen]!.name,
      classes: classNames,
      models: models.map(({ name: model, ...facts }) => ({ model, ...facts })),
    }),
  )
  app.get('/health', (context) => {
    const status = failure ? 'failed' : isDraining ? 'shutting-down' : 'ok'
    const { rss } = process.memoryUsage()
    return context.json(
      {
        status,
        version,
        model: address,
        seconds: Math.round((performance.now() - started) / 1000),
        requests: { ...counts, open, capacity, queued: queue.length },
        memory: rss,
      },
      status === 'ok' ? 200 : 503,
    )
  })
  app.notFound((context) => {
    const { pathname } = new URL(context.req.url)
    const method = ROUTES[pathname as keyof typeof ROUTES]
    const known = Object.entries(ROUTES).map(([path, method]) => `${method} ${path}`)
    return refuse(
      context,
      method
        ? new Refusal(405, `${pathname} takes ${method}; got ${context.req.method}`, { Allow: method })
        : new Refusal(404, `there is no ${pathname}; there are ${known.join(', ')}`),
    )
  })
  app.onError((error, context) => {
    const refusal = error instanceof Refusal ? error : new Refusal(500, `the picture could not be classified: ${oneLine(error)}`)
    return refuse(context, refusal)
  })
  function refuse(context: Context, { status, body, headers }: Refusal): Response {
    counts[status === 500 ? 'failed' : 'refused']++
    return context.json(body, status, headers)
  }

  return {
    fetch: (request) => app.fetch(request),
    async drain() {
      isDraining = true
      if (open > 0)
        await new Promise<void>((resolve) => {
          drained = resolve
        })
    },
  }
}

/** @throws Refusal where the query says something else than it can, or no model keeps its caps */
function askedFor(query: URLSearchParams, models: readonly ServedModel[], chosen: number): Asked {
  const entries = [...query]
  const unknown = entries.find(([key]) => key !== 'top' && !MEASURES.some((measure) => measure === key))
  if (unknown) throw new Refusal(400, `the query may have top, ${MEASURES.join(', ')}; got ${unknown[0]}`)
  const text = query.get('top')
  const top = text === null ? DEFAULT_TOP : Number(text)
  if (!Number.isInteger(top) || top < 1 || query.getAll('top').length > 1)
    throw new Refusal(400, `top must be one integer of at least 1; got ${query.getAll('top').join(' and ')}`)
  const caps = entries.filter(([key]) => key !== 'top')
  if (caps.length === 0) return { model: chosen, top }
  let budget: Budget
  try {
    budget = parseBudget(caps.map(([measure, cap]) => `${measure}=${cap}`).join())
  } catch (error) {
    throw new Refusal(400, oneLine(error))
  }
  return { model: modelWithin(budget, models), top }
}

/** The best by validation accuracy: they are listed in that order. */
function modelWithin(budget: Budget, models: readonly ServedModel[]): number {
  const measuresOf = ({ macs, parameters, memory, latency }: ServedModel) => ({ macs, parameters, memory, latency: latency ?? Infinity })
  const isTimed = (model: ServedModel) => budget.latency === undefined || model.latency !== null
  const index = models.findIndex((model) => isTimed(model) && fits(measuresOf(model), budget))
  if (index >= 0) return index
  const smallest = Object.keys(budget).map((measure) => {
    const values = models.map((model) => measuresOf(model)[measure as keyof ReturnType<typeof measuresOf>])
    const at = values.indexOf(Math.min(...values))
    const value = measure === 'latency' ? Math.ceil(values[at]! * 100) / 100 : values[at]!
    return `the smallest by ${measure} is ${models[at]!.name} with ${formatMeasure(measure, value)}`
  })
  throw new Refusal(422, `no model keeps ${formatBudget(budget)}: ${smallest.join('; ')}`)
}
