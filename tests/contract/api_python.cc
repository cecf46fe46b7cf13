// SPDX-License-Identifier: Apache-2.0
//
// The ways through Python: each call is made by a method of python_way.py, in an
// interpreter inside this process, by Python's standard module and by ours. The
// standard one is to ours what the kernel is to the broker.
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "api.h"
#include "python_left_out.h"

namespace contract {
namespace {

struct Unref {
  void operator()(PyObject *o) const { Py_DECREF(o); }
};
using Object = std::unique_ptr<PyObject, Unref>;

// For as long as it lives, this thread may use Python.
class Gil {
 public:
  Gil() : state_(PyGILState_Ensure()) {}
  ~Gil() { PyGILState_Release(state_); }
  Gil(const Gil &) = delete;
  Gil &operator=(const Gil &) = delete;

 private:
  PyGILState_STATE state_;
};

// What is not the error of a call is a mistake of the test's, or of the module's.
[[noreturn]] void Throw() {
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  const Object t(type), v(value), tr(trace), text(v ? PyObject_Repr(v.get()) : nullptr);
  const char *utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  throw std::runtime_error(std::string("Python: ") + (utf8 ? utf8 : "an exception without text"));
}

Object Checked(PyObject *o) {
  if (o == nullptr)
    Throw();
  return Object(o);
}

void StartPython() {
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.install_signal_handlers = 0;
  config.parse_argv = 0;
  config.use_environment = 0;
  config.write_bytecode = 0;
  PyStatus status = PyConfig_SetBytesString(&config, &config.program_name, "/usr/bin/python3");
  if (!PyStatus_Exception(status))
    status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  if (PyStatus_Exception(status))
    throw std::runtime_error(std::string("Python does not start: ") + status.err_msg);
  PyRun_SimpleString("import sys; sys.path.insert(0, '" SB_PYTHON_WAY "')");
  PyEval_SaveThread();
}

void EnsurePython() {
  static const bool started = (StartPython(), true);
  static_cast<void>(started);
}

Object MakeWay(const char *module) {
  const Object file = Checked(PyImport_ImportModule("python_way"));
  return Checked(PyObject_CallMethod(file.get(), "Way", "s[s]", module, SB_PYTHON_PATH));
}

// A memoryview, by which Python reads or writes where the caller said.
Object View(const void *data, size_t size) {
  static char nothing;
  char *bytes = data == nullptr ? &nothing : static_cast<char *>(const_cast<void *>(data));
  return Checked(PyMemoryView_FromMemory(bytes, static_cast<Py_ssize_t>(size), PyBUF_WRITE));
}

Object Views(const msghdr &msg) {
  Object list = Checked(PyList_New(0));
  for (size_t i = 0; i < msg.msg_iovlen; i++) {
    const Object view = View(msg.msg_iov[i].iov_base, msg.msg_iov[i].iov_len);
    if (PyList_Append(list.get(), view.get()))
      Throw();
  }
  return list;
}

long Number(PyObject *o) {
  const long n = PyLong_AsLong(o);
  if (n == -1 && PyErr_Occurred())
    Throw();
  return n;
}

std::string_view Bytes(PyObject *o) {
  char *data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(o, &data, &size))
    Throw();
  return {data, static_cast<size_t>(size)};
}

// The part of a result.
PyObject *Part(const Object &o, Py_ssize_t i) {
  PyObject *part = PyTuple_GetItem(o.get(), i);
  if (part == nullptr)
    Throw();
  return part;
}

// As the kernel gives an address: what fits, and how long it is.
void Put(std::string_view address, sockaddr *addr, socklen_t *len) {
  if (len == nullptr)
    return;
  if (addr != nullptr)
    memcpy(addr, address.data(), std::min<size_t>(*len, address.size()));
  *len = static_cast<socklen_t>(address.size());
}

// For "y#", which makes None of a null pointer.
const char *Chars(const void *bytes) {
  return bytes == nullptr ? "" : static_cast<const char *>(bytes);
}
Py_ssize_t Length(socklen_t len) { return static_cast<Py_ssize_t>(len); }

template <const char *kModule, bool kBrokered>
struct Way {
  static PyObject *Get() {
    static PyObject *way = MakeWay(kModule).release();
    return way;
  }

  // Calls a method and gives its result to `take`, which makes of it what the
  // call returns. The method's own result is -errno if it failed.
  template <class Take, class... Arguments>
  static long Call(Take take, const char *method, const char *format, Arguments... arguments) {
    if (kBrokered)
      setenv("SOCKBROKER_ADDRESS", BrokerAddress().c_str(), 1);
    EnsurePython();
    long result = 0;
    {
      const Gil gil;
      const Object o = Checked(PyObject_CallMethod(Get(), method, format, arguments...));
      const bool failed = PyLong_Check(o.get()) && PyLong_AsLong(o.get()) < 0;
      result = failed ? Number(o.get()) : take(o);
    }
    if (result >= 0)
      return result;
    errno = static_cast<int>(-result);
    return -1;
  }

  static long Itself(const Object &o) { return Number(o.get()); }
  template <class... Arguments>
  static int Int(const char *method, const char *format, Arguments... arguments) {
    return static_cast<int>(Call(Itself, method, format, arguments...));
  }

  static int Socket(int domain, int type, int protocol) {
    return Int("socket", "iii", domain, type, protocol);
  }
  static int Socketpair(int domain, int type, int protocol, int *sv) {
    return static_cast<int>(Call(
        [sv](const Object &o) {
          sv[0] = static_cast<int>(Number(Part(o, 0)));
          sv[1] = static_cast<int>(Number(Part(o, 1)));
          return 0l;
        },
        "socketpair", "iii", domain, type, protocol));
  }
  static int Close(int fd) { return Int("close", "i", fd); }
  static int Dup(int fd) { return Int("dup", "i", fd); }
  static int Fcntl(int fd, int cmd, int argument) {
    return Int("fcntl", "iii", fd, cmd, argument);
  }

  static int Bind(int fd, const sockaddr *addr, socklen_t len) {
    return Int("bind", "iy#", fd, Chars(addr), Length(len));
  }
  static int Listen(int fd, int backlog) { return Int("listen", "ii", fd, backlog); }
  static int Accept4(int fd, sockaddr *addr, socklen_t *len, int flags) {
    return static_cast<int>(Call(
        [&](const Object &o) {
          Put(Bytes(Part(o, 1)), addr, len);
          return Number(Part(o, 0));
        },
        "accept", "ii", fd, flags));
  }
  static int Accept(int fd, sockaddr *addr, socklen_t *len) { return Accept4(fd, addr, len, 0); }
  static int Connect(int fd, const sockaddr *addr, socklen_t len) {
    return Int("connect", "iy#", fd, Chars(addr), Length(len));
  }
  static int Shutdown(int fd, int how) { return Int("shutdown", "ii", fd, how); }
  static int Name(const char *method, int fd, sockaddr *addr, socklen_t *len) {
    return static_cast<int>(Call(
        [&](const Object &o) {
          Put(Bytes(o.get()), addr, len);
          return 0l;
        },
        method, "(i)", fd));
  }
  static int Getsockname(int fd, sockaddr *addr, socklen_t *len) {
    return Name("getsockname", fd, addr, len);
  }
  static int Getpeername(int fd, sockaddr *addr, socklen_t *len) {
    return Name("getpeername", fd, addr, len);
  }

  // What holds Python's objects needs Python's lock before its arguments are made.
  template <class Make>
  static ssize_t Locked(Make make) {
    if (kBrokered)
      setenv("SOCKBROKER_ADDRESS", BrokerAddress().c_str(), 1);
    EnsurePython();
    int saved = 0;
    ssize_t result = 0;
    {
      const Gil gil;
      result = make();
      saved = errno;
    }
    errno = saved;
    return result;
  }

  static ssize_t Sendto(int fd, const void *buf, size_t len, int flags, const sockaddr *addr,
                        socklen_t addrlen) {
    return Locked([&] {
      const Object view = View(buf, len);
      return Call(Itself, "send", "iOiy#", fd, view.get(), flags,
                  Chars(addr), Length(addr == nullptr ? 0 : addrlen));
    });
  }
  static ssize_t Send(int fd, const void *buf, size_t len, int flags) {
    return Sendto(fd, buf, len, flags, nullptr, 0);
  }
  static ssize_t Sendmsg(int fd, const msghdr *msg, int flags) {
    return Locked([&] {
      const Object views = Views(*msg);
      return Call(Itself, "sendmsg", "iOy#iy#", fd, views.get(),
                  Chars(msg->msg_control),
                  static_cast<Py_ssize_t>(msg->msg_controllen), flags,
                  Chars(msg->msg_name), Length(msg->msg_name == nullptr ? 0 : msg->msg_namelen));
    });
  }
  static ssize_t Recv(int fd, void *buf, size_t len, int flags) {
    return Locked([&] {
      const Object view = View(buf, len);
      return Call(Itself, "recv", "iOi", fd, view.get(), flags);
    });
  }
  static ssize_t Recvfrom(int fd, void *buf, size_t len, int flags, sockaddr *addr,
                          socklen_t *addrlen) {
    return Locked([&] {
      const Object view = View(buf, len);
      return Call(
          [&](const Object &o) {
            Put(Bytes(Part(o, 1)), addr, addrlen);
            return Number(Part(o, 0));
          },
          "recvfrom", "iOi", fd, view.get(), flags);
    });
  }
  static ssize_t Recvmsg(int fd, msghdr *msg, int flags) {
    return Locked([&] {
      const Object views = Views(*msg);
      return Call(
          [&](const Object &o) {
            const std::string_view control = Bytes(Part(o, 1));
            std::copy(control.begin(), control.end(), static_cast<char *>(msg->msg_control));
            msg->msg_controllen = control.size();
            msg->msg_flags = static_cast<int>(Number(Part(o, 2)));
            Put(Bytes(Part(o, 3)), static_cast<sockaddr *>(msg->msg_name), &msg->msg_namelen);
            return Number(Part(o, 0));
          },
          "recvmsg", "iOni", fd, views.get(), static_cast<Py_ssize_t>(msg->msg_controllen), flags);
    });
  }

  static int Getsockopt(int fd, int level, int name, void *value, socklen_t *len) {
    return static_cast<int>(Call(
        [&](const Object &o) {
          const std::string_view bytes = Bytes(o.get());
          memcpy(value, bytes.data(), std::min<size_t>(*len, bytes.size()));
          *len = static_cast<socklen_t>(bytes.size());
          return 0l;
        },
        "getsockopt", "iiii", fd, level, name, static_cast<int>(*len)));
  }
  static int Setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
    return Int("setsockopt", "iiiy#", fd, level, name, Chars(value),
               Length(len));
  }
  static int Poll(pollfd *fds, nfds_t n, int timeout_ms) {
    return static_cast<int>(Locked([&] {
      const Object wanted = Checked(PyList_New(0));
      for (nfds_t i = 0; i < n; i++) {
        const Object pair = Checked(Py_BuildValue("ih", fds[i].fd, fds[i].events));
        if (PyList_Append(wanted.get(), pair.get()))
          Throw();
      }
      return Call(
          [&](const Object &o) {
            long ready = 0;
            for (nfds_t i = 0; i < n; i++) {
              fds[i].revents = static_cast<short>(
                  Number(PyList_GetItem(o.get(), static_cast<Py_ssize_t>(i))));
              ready += fds[i].revents != 0;
            }
            return ready;
          },
          "poll", "Oi", wanted.get(), timeout_ms);
    }));
  }

  static int Ioctl(int fd, unsigned long request, void *argument) {
    return Int("ioctl", "iki", fd, request, request == FIONBIO ? *static_cast<int *>(argument) : 0);
  }

  // What Python's API does not have.
  static int Lacking() {
    errno = ENOSYS;
    return -1;
  }
  static int Sendmmsg(int, mmsghdr *, unsigned, int) { return Lacking(); }
  static int Recvmmsg(int, mmsghdr *, unsigned, int, timespec *) { return Lacking(); }
};

template <class W>
constexpr SocketApi Api(const char *name, bool brokered, decltype(SocketApi::left_out) left_out) {
  return {
      name,           W::Socket,      W::Socketpair, W::Close,   W::Dup,        W::Fcntl,
      W::Bind,        W::Listen,      W::Accept,     W::Accept4, W::Connect,    W::Shutdown,
      W::Getsockname, W::Getpeername, W::Send,       W::Sendto,  W::Sendmsg,    W::Recv,
      W::Recvfrom,    W::Recvmsg,     W::Sendmmsg,   W::Recvmmsg, W::Getsockopt, W::Setsockopt,
      W::Ioctl,       W::Poll,        brokered,      left_out,
  };
}

constexpr char kStandardModule[] = "standard", kOurModule[] = "sockbroker";
constexpr SocketApi kStandard = Api<Way<kStandardModule, false>>("python_standard", false, StandardPythonLeavesOut);
constexpr SocketApi kOurs = Api<Way<kOurModule, true>>("python", true, OurPythonLeavesOut);

}  // namespace

std::vector<const SocketApi *> PythonApis() { return {&kStandard, &kOurs}; }

}  // namespace contract
