declare module '@tensorflow/tfjs-backend-webgpu' {
  export const version_webgpu: string
}
