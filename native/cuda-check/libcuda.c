/*
 * Stands in for NVIDIA's driver where there is none, so that the build with the feature `cuda` can be linked, started and tested: it
 * shows STANDIN_GPUS devices (none by default), and nothing can be computed on them. STANDIN_FAULT says how they fail: `load` (the
 * default): kernels cannot be loaded; `memory`: they can, and there is no memory. Functions of the driver API, CUDA 12 signatures as
 * far as they matter to the caller: pointers and integers.
 */
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, OUT_OF_MEMORY = 2, NO_DEVICE = 100, NO_BINARY_FOR_GPU = 209, UNKNOWN = 999 };

typedef int Result;

static int gpus(void) {
	const char *count = getenv("STANDIN_GPUS");
	return count == NULL ? 0 : atoi(count);
}

static int fails_for_memory(void) {
	const char *fault = getenv("STANDIN_FAULT");
	return fault != NULL && strcmp(fault, "memory") == 0;
}

Result cuInit(unsigned flags) {
	(void)flags;
	return gpus() > 0 ? SUCCESS : NO_DEVICE;
}

Result cuDeviceGetCount(int *count) {
	*count = gpus();
	return SUCCESS;
}

Result cuDeviceGet(int *device, int ordinal) {
	*device = ordinal;
	return SUCCESS;
}

Result cuDeviceGetName(char *name, int len, int device) {
	(void)device;
	strncpy(name, "stand-in GPU", (size_t)len);
	return SUCCESS;
}

Result cuDeviceGetUuid(unsigned char *uuid, int device) {
	memset(uuid, device + 1, 16);
	return SUCCESS;
}

Result cuDeviceTotalMem_v2(size_t *bytes, int device) {
	(void)device;
	*bytes = (size_t)8 << 30;
	return SUCCESS;
}

/* 16: multiprocessors, 33 and 34: place on the bus, 75 and 76: compute capability. */
Result cuDeviceGetAttribute(int *value, int attribute, int device) {
	switch (attribute) {
	case 16: *value = 1; return SUCCESS;
	case 33: *value = 1 + device; return SUCCESS;
	case 34: *value = 0; return SUCCESS;
	case 75: *value = 9; return SUCCESS;
	case 76: *value = 0; return SUCCESS;
	default: return UNKNOWN;
	}
}

static char handle;

Result cuCtxCreate_v2(void **context, unsigned flags, int device) {
	(void)flags, (void)device;
	*context = &handle;
	return SUCCESS;
}

Result cuCtxPopCurrent_v2(void **context) {
	*context = &handle;
	return SUCCESS;
}

Result cuModuleLoadData(void **module, const void *image) {
	(void)image;
	*module = &handle;
	return fails_for_memory() ? SUCCESS : NO_BINARY_FOR_GPU;
}

Result cuStreamCreateWithPriority(void **stream, unsigned flags, int priority) {
	(void)flags, (void)priority;
	*stream = &handle;
	return SUCCESS;
}

Result cuMemAlloc_v2(void **pointer, size_t bytes) {
	(void)bytes;
	*pointer = NULL;
	return OUT_OF_MEMORY;
}

Result cuGetErrorString(int error, const char **text) {
	(void)error;
	*text = "made by a stand-in for the driver";
	return SUCCESS;
}

/* Called on the way, with nothing to do. */
#define DOES_NOTHING(name) Result name(void) { return SUCCESS; }
DOES_NOTHING(cuCtxDestroy_v2)
DOES_NOTHING(cuCtxSetCurrent)
DOES_NOTHING(cuModuleUnload)
DOES_NOTHING(cuStreamDestroy_v2)
DOES_NOTHING(cuStreamSynchronize)
DOES_NOTHING(cuMemFree_v2)

/* Linked, and never reached: no kernel has memory to work on. */
#define FAILS(name) Result name(void) { return UNKNOWN; }
FAILS(cuLaunchKernel)
FAILS(cuMemcpyDtoHAsync_v2)
FAILS(cuMemcpyHtoDAsync_v2)
FAILS(cuModuleGetFunction)
FAILS(cuModuleLoad)
