/* SPDX-License-Identifier: Apache-2.0 */
/* policy_load.c - a policy from a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/reader.h"

static struct policy *refuse(const char *path, const char *why, char *error, size_t size)
{
	snprintf(error, size, "%s:1:1: %s", path, why);
	return NULL;
}

/* Returns the length, or -errno. One byte too many shows that there are more. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = read(fd, buffer + length, size - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	return (ssize_t)length;
}

static struct policy *load_fd(int fd, const char *path, char *error, size_t error_size)
{
	struct policy *policy;
	struct stat st;
	ssize_t length;
	char *buffer;

	if (fstat(fd, &st) < 0)
		return refuse(path, strerror(errno), error, error_size);
	if (!S_ISREG(st.st_mode))
		return refuse(path, "not a regular file; name the policy file", error, error_size);
	if (st.st_mode & S_IWOTH)
		return refuse(path, "everybody may write to it; do chmod o-w", error, error_size);
	buffer = malloc(POLICY_BYTES_MAX + 1);
	if (!buffer)
		return refuse(path, "out of memory; try again", error, error_size);

	length = read_all(fd, buffer, POLICY_BYTES_MAX + 1);
	policy = length < 0 ? refuse(path, strerror((int)-length), error, error_size)
			    : policy_parse(buffer, (size_t)length, path, error, error_size);
	free(buffer);
	return policy;
}

struct policy *policy_load(const char *path, char *error, size_t error_size)
{
	/* not to hang on a fifo */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct policy *policy;

	if (fd < 0)
		return refuse(path, strerror(errno), error, error_size);
	policy = load_fd(fd, path, error, error_size);
	close(fd);
	return policy;
}
