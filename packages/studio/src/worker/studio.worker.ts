import type { Report, Request } from './messages.js'
import { createStudio } from './studio.js'

const scope = self as unknown as {
  postMessage(report: Report, transfer?: Transferable[]): void
  onmessage: (event: { data: Request }) => void
}
const studio = createStudio((report, transfer) => scope.postMessage(report, transfer ?? []))
scope.onmessage = ({ data }) => studio(data)
