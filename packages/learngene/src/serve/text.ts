import { formatCount, formatShare, quoted, textTable } from '../report/text.js'
import type { ServedModel } from './engine.js'
import type { Serving } from './server.js'

/** What a server says of itself when it listens. */
export function servingText({ url, facts: { address, backend, models, chosen } }: Serving): string {
  const timed = models.filter(({ latency }) => latency !== null).sort((a, b) => a.macs - b.macs)
  const isFamily = models.length > 1
  return [
    `serving ${address} on ${backend} at ${url}${isLocal(url) ? '' : ', to everyone who reaches this machine'}`,
    ...(isFamily ? [`${models.length} descendants of one pool; > answers where no budget is given, these can be chosen by latency:`] : []),
    textTable(
      ['', isFamily ? 'path' : 'model', 'params', 'MACs', ...(isFamily ? ['validation', 'test'] : []), 'one picture'],
      timed.map((model) => [
        model === models[chosen] ? '>' : '',
        model.name,
        formatCount(model.parameters),
        formatCount(model.macs),
        ...(isFamily ? [shareText(model.validationAccuracy), shareText(model.testAccuracy)] : []),
        latencyText(model),
      ]),
      ['left', 'left', ...Array<'right'>(isFamily ? 5 : 3).fill('right')],
    ),
  ].join('\n')
}

export function servedJson({ url, facts: { address, backend, models, chosen } }: Serving) {
  return {
    url,
    model: address,
    backend,
    chosen: models[chosen]!.name,
    models: models.map(({ name: model, ...facts }) => ({ model, ...facts })),
  }
}

/** The request that is useful next. */
export function nextOfServing({ url, facts: { models, chosen } }: Serving): string {
  const query = models.length > 1 ? `?latency=${Math.ceil(models[chosen]!.latency ?? 1)}ms` : ''
  return `curl --data-binary @PICTURE.jpg ${quoted(`${url}/classify${query}`)}`
}

const isLocal = (url: string): boolean => ['127.0.0.1', '[::1]'].includes(new URL(url).hostname)

const shareText = (share: number | null): string => (share === null ? '' : formatShare(share))

const latencyText = ({ latency }: ServedModel): string => `${latency!.toPrecision(3)} ms`
