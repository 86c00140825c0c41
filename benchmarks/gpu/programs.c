// A layer of Vulkan that tells what the driver makes of each compute program: it appends a line of statistics, `name=value` parted by tabs, to the file $LEARNGENE_STATISTICS for each pipeline that is
// created, and where $LEARNGENE_BINARIES names a folder it writes the driver's cache of that one pipeline there, by its number. `programs.mjs` builds and uses it.
#define VK_NO_PROTOTYPES
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#define EXTENSION "VK_KHR_pipeline_executable_properties"
#define EXPORT __attribute__((visibility("default")))

static struct {
  PFN_vkGetInstanceProcAddr instance_proc;
  PFN_vkGetDeviceProcAddr device_proc;
  VkInstance instance;
  int has_statistics;
  int pipelines;
} next;

#define OF_DEVICE(device, name) ((PFN_##name)next.device_proc(device, #name))

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator, VkInstance *instance) {
  VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *)info->pNext;
  while (link && !(link->sType == VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO && link->function == VK_LAYER_LINK_INFO))
    link = (VkLayerInstanceCreateInfo *)link->pNext;
  if (!link) return VK_ERROR_INITIALIZATION_FAILED;
  next.instance_proc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  PFN_vkCreateInstance create = (PFN_vkCreateInstance)next.instance_proc(NULL, "vkCreateInstance");
  VkResult result = create(info, allocator, instance);
  if (result == VK_SUCCESS) next.instance = *instance;
  return result;
}

static int has_extension(VkPhysicalDevice device) {
  PFN_vkEnumerateDeviceExtensionProperties list =
      (PFN_vkEnumerateDeviceExtensionProperties)next.instance_proc(next.instance, "vkEnumerateDeviceExtensionProperties");
  uint32_t count = 0;
  int found = 0;
  list(device, NULL, &count, NULL);
  VkExtensionProperties *properties = calloc(count, sizeof *properties);
  list(device, NULL, &count, properties);
  for (uint32_t i = 0; i < count; i++) found |= !strcmp(properties[i].extensionName, EXTENSION);
  free(properties);
  return found;
}

/** The device with the extension, where it has it, whether it was asked for or not. */
static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical, const VkDeviceCreateInfo *info, const VkAllocationCallbacks *allocator, VkDevice *device) {
  VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *)info->pNext;
  while (link && !(link->sType == VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO && link->function == VK_LAYER_LINK_INFO))
    link = (VkLayerDeviceCreateInfo *)link->pNext;
  if (!link) return VK_ERROR_INITIALIZATION_FAILED;
  next.device_proc = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  PFN_vkCreateDevice create = (PFN_vkCreateDevice)link->u.pLayerInfo->pfnNextGetInstanceProcAddr(next.instance, "vkCreateDevice");
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  next.has_statistics = has_extension(physical);
  VkDeviceCreateInfo changed = *info;
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR feature = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, (void *)info->pNext, VK_TRUE};
  const char **names = calloc(info->enabledExtensionCount + 1, sizeof *names);
  if (next.has_statistics) {
    if (info->enabledExtensionCount > 0) memcpy(names, info->ppEnabledExtensionNames, info->enabledExtensionCount * sizeof *names);
    names[changed.enabledExtensionCount++] = EXTENSION;
    changed.ppEnabledExtensionNames = names;
    changed.pNext = &feature;
  }
  VkResult result = create(physical, &changed, allocator, device);
  free(names);
  return result;
}

static void write_statistics(FILE *file, VkDevice device, VkPipeline pipeline) {
  VkPipelineInfoKHR info = {VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, NULL, pipeline};
  uint32_t executables = 0;
  OF_DEVICE(device, vkGetPipelineExecutablePropertiesKHR)(device, &info, &executables, NULL);
  for (uint32_t at = 0; at < executables; at++) {
    VkPipelineExecutableInfoKHR executable = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, NULL, pipeline, at};
    uint32_t count = 0;
    OF_DEVICE(device, vkGetPipelineExecutableStatisticsKHR)(device, &executable, &count, NULL);
    VkPipelineExecutableStatisticKHR *all = calloc(count, sizeof *all);
    for (uint32_t i = 0; i < count; i++) all[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
    OF_DEVICE(device, vkGetPipelineExecutableStatisticsKHR)(device, &executable, &count, all);
    for (uint32_t i = 0; i < count; i++) {
      if (all[i].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR) fprintf(file, "%s=%g\t", all[i].name, all[i].value.f64);
      else fprintf(file, "%s=%llu\t", all[i].name, (unsigned long long)all[i].value.u64);
    }
    free(all);
  }
}

static void write_cache(const char *folder, VkDevice device, VkPipelineCache cache) {
  size_t size = 0;
  OF_DEVICE(device, vkGetPipelineCacheData)(device, cache, &size, NULL);
  char *data = malloc(size);
  OF_DEVICE(device, vkGetPipelineCacheData)(device, cache, &size, data);
  char name[4096];
  snprintf(name, sizeof name, "%s/%04d.bin", folder, next.pipelines);
  FILE *file = fopen(name, "wb");
  if (file) {
    fwrite(data, 1, size, file);
    fclose(file);
  }
  free(data);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_pipelines(VkDevice device, VkPipelineCache cache, uint32_t count, const VkComputePipelineCreateInfo *infos,
                                                       const VkAllocationCallbacks *allocator, VkPipeline *pipelines) {
  const char *statistics = getenv("LEARNGENE_STATISTICS"), *binaries = getenv("LEARNGENE_BINARIES");
  VkResult result = VK_SUCCESS;
  for (uint32_t i = 0; i < count; i++) {
    VkComputePipelineCreateInfo info = infos[i];
    VkPipelineCache own = VK_NULL_HANDLE;
    VkPipelineCacheCreateInfo empty = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    if (next.has_statistics) info.flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR;
    if (binaries) OF_DEVICE(device, vkCreatePipelineCache)(device, &empty, NULL, &own);
    VkResult one = OF_DEVICE(device, vkCreateComputePipelines)(device, own ? own : cache, 1, &info, allocator, &pipelines[i]);
    if (one != VK_SUCCESS) result = one;
    if (own) {
      if (one == VK_SUCCESS) write_cache(binaries, device, own);
      OF_DEVICE(device, vkDestroyPipelineCache)(device, own, NULL);
    }
    FILE *file = statistics ? fopen(statistics, "a") : NULL;
    if (file) {
      if (one == VK_SUCCESS && next.has_statistics) write_statistics(file, device, pipelines[i]);
      fputc('\n', file);
      fclose(file);
    }
    next.pipelines++;
  }
  return result;
}

static PFN_vkVoidFunction VKAPI_CALL device_proc(VkDevice device, const char *name) {
  if (!strcmp(name, "vkGetDeviceProcAddr")) return (PFN_vkVoidFunction)device_proc;
  if (!strcmp(name, "vkCreateComputePipelines")) return (PFN_vkVoidFunction)create_pipelines;
  return next.device_proc(device, name);
}

static PFN_vkVoidFunction VKAPI_CALL instance_proc(VkInstance instance, const char *name) {
  if (!strcmp(name, "vkGetInstanceProcAddr")) return (PFN_vkVoidFunction)instance_proc;
  if (!strcmp(name, "vkGetDeviceProcAddr")) return (PFN_vkVoidFunction)device_proc;
  if (!strcmp(name, "vkCreateInstance")) return (PFN_vkVoidFunction)create_instance;
  if (!strcmp(name, "vkCreateDevice")) return (PFN_vkVoidFunction)create_device;
  if (!strcmp(name, "vkCreateComputePipelines")) return (PFN_vkVoidFunction)create_pipelines;
  return next.instance_proc ? next.instance_proc(instance, name) : NULL;
}

EXPORT VkResult VKAPI_CALL vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *interface) {
  interface->loaderLayerInterfaceVersion = 2;
  interface->pfnGetInstanceProcAddr = instance_proc;
  interface->pfnGetDeviceProcAddr = device_proc;
  interface->pfnGetPhysicalDeviceProcAddr = NULL;
  return VK_SUCCESS;
}
