// Keeps the page and the family for visits without a network. What has a hash in its name never changes; of all else the network's is taken where there is one.
const KEPT = 'learngene-studio'
const IMMUTABLE = /[.-][\w-]{8,}\.(js|css|bin|png|wasm)$/

self.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(KEPT)
      const files = await (await fetch('files.json', { cache: 'no-cache' })).json()
      const wanted = new Set(files.map((file) => new URL(file, self.registration.scope).href))
      wanted.add(self.registration.scope)
      for (const { url } of await cache.keys()) if (!wanted.has(url)) await cache.delete(url)
      for (const url of wanted) if (!IMMUTABLE.test(url) || !(await cache.match(url))) await cache.add(url)
      await self.skipWaiting()
    })(),
  )
})

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

self.addEventListener('fetch', (event) => {
  const { request } = event
  if (request.method !== 'GET' || new URL(request.url).origin !== location.origin) return
  event.respondWith(IMMUTABLE.test(new URL(request.url).pathname) ? kept(request) : fresh(request))
})

async function kept(request) {
  const found = await caches.match(request, { ignoreVary: true })
  if (found) return found
  const response = await fetch(request)
  if (response.ok) await (await caches.open(KEPT)).put(request, response.clone())
  return response
}

async function fresh(request) {
  try {
    const response = await fetch(request)
    if (response.ok) await (await caches.open(KEPT)).put(request, response.clone())
    return response
  } catch (error) {
    const found = await caches.match(request, { ignoreSearch: true, ignoreVary: true })
    if (found) return found
    throw error
  }
}
