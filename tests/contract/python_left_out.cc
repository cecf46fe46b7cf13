// SPDX-License-Identifier: Apache-2.0
#include "python_left_out.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support.h"

namespace contract {
namespace {

struct Row {
  std::string_view suite, test;  // test: "*" is all of the suite
  const char *why;
};

// What the API of Python's module has no words for.
constexpr char kMany[] = "sendmmsg and recvmmsg are not in Python's API";
constexpr char kIoctl[] = "Python's ioctl is for Windows' requests";
constexpr char kFamily[] = "an address in Python is of the socket's own family";
constexpr char kLength[] = "an address in Python has no length of its own";
constexpr char kUnspec[] = "Python has no address of the family AF_UNSPEC";
constexpr char kControl[] = "Python makes the control message's header";
constexpr char kBuflen[] = "Python checks the length itself";

constexpr Row kApi[] = {
    {"UdpMany", "*", kMany},
    {"Ioctl", "*", kIoctl},
    {"TcpData", "FionreadTellsTheUnreadBytes", kIoctl},
    {"TcpData", "SiocoutqTellsTheUnacknowledgedBytes", kIoctl},
    {"TcpData", "AReadStopsAtTheMark", kIoctl},
    {"TcpData", "OutOfBandDataCanBeInline", kIoctl},
    {"Udp", "FionreadTellsTheNextDatagramsLength", kIoctl},
    {"Unix", "FionreadAndOutqTellTheSameBytes", kIoctl},
    {"Naming", "AShortAddressIsEINVAL", kLength},
    {"Naming", "AShortInet6AddressIsEINVAL", kLength},
    {"Naming", "AnAddressLongerThanAnyIsEINVAL", kLength},
    {"Naming", "AnAddressWithRoomToSpareIsTaken", kLength},
    {"Naming", "ANegativeLengthIsEINVAL", kLength},
    {"Tcp", "AShortAddressToConnectToIsEINVAL", kLength},
    {"Udp", "SendingToAShortAddressIsEINVAL", kLength},
    {"UnixPath", "AnAddressLongerThanSockaddrUnIsEINVAL", kLength},
    {"UnixPath", "TheLongestPathHasNoNul", "Python wants room for the NUL"},
    {"Naming", "AnAddressOfAnotherFamilyIsRefused", kFamily},
    {"Udp", "SendingToAnotherFamilyIsRefused", kFamily},
    {"Packet", "ANameEndsWithTheHardwareAddress", kLength},
    {"Packet", "BindTakesNoLessThanAWholeStructure", kLength},
    {"Packet", "AnUnknownInterfaceIsENODEV", "an interface in Python is a name"},
    {"Tcp", "ConnectToUnspecEndsTheConnection", kUnspec},
    {"Udp", "ConnectToUnspecForgetsThePeer", kUnspec},
    {"UdpControl", "AMalformedControlMessageIsEINVAL", kControl},
    {"Option", "ANegativeLengthIsEINVAL", kBuflen},
    {"Option", "AFilterIsReadBackInInstructions", kBuflen},
    {"Life", "FcntlDuplicatesAtOrAboveANumber", "dup in Python takes no number"},
    {"Tcp", "Accept4WithAnUnknownFlagIsEINVAL", "accept in Python takes no flags"},
    {"Udp", "TruncTellsTheRealLength", "recv_into in Python does nothing where there is no room"},
    {"Poll", "ANegativeDescriptorIsIgnored", "a poll object in Python refuses it"},
    {"Poll", "OneSocketMayBeAskedTwice", "a poll object in Python has each descriptor once"},
};

// What select and poll see of our sockets is what a stand-in can show: sb_watch().
constexpr char kShown[] = "a stand-in shows POLLIN, POLLOUT and POLLHUP";
constexpr char kLater[] = "what a stand-in shows comes a little later";

constexpr Row kOurs[] = {
    {"Naming", "PeersNamesEndWithTheConnection", kLater},
    {"Poll", "AFreshDatagramSocketIsWritable", kLater},
    {"Poll", "AnUnconnectedStreamIsHangup", kLater},
    {"Poll", "APeersHalfCloseIsReadableAndRdhup", kShown},
    {"Poll", "AResetIsErrorAndHangup", kShown},
    {"Poll", "UrgentDataIsPri", kShown},
    {"Tcp", "AConnectInProgressCanBeRefused", kShown},
    {"Tcp", "ARepeatedConnectTellsTheRefusal", kShown},
    {"TcpClose", "AResetBehindMuchDataIsToldOnceItIsRead", kShown},
    {"TcpClose", "ClosingWithUnreadDataResetsThePeer", kShown},
    {"TcpClose", "SendingToAClosedPeerEndsInEPIPE", kShown},
    {"TcpClose", "SoErrorTellsTheResetAndForgetsIt", kShown},
    {"TcpData", "OutOfBandDataStandsApart", kShown},
    {"Udp", "AClosedPortAnswersAConnectedSocket", kShown},
    {"Udp", "TheNextSendTellsARefusalToo", kShown},
    {"UdpControl", "TheErrorQueueTellsWhatTheNetworkSaid", kShown},
    {"UdpControl", "TheInet6ErrorQueueNamesTheOffender", kShown},
};

bool Covers(const Row &row, std::string_view suite, std::string_view test) {
  return row.suite == suite && (row.test == "*" || row.test == test);
}

template <size_t n>
const char *Find(const Row (&rows)[n], std::string_view suite, std::string_view test) {
  const Row *row = std::find_if(rows, rows + n, [&](const Row &r) { return Covers(r, suite, test); });
  return row == rows + n ? nullptr : row->why;
}

// A row for a test that was renamed would leave nothing out.
TEST(PythonLeftOut, EachRowNamesATest) {
  const auto &all = *testing::UnitTest::GetInstance();
  const auto named = [&all](const Row &row) {
    for (int s = 0; s < all.total_test_suite_count(); s++) {
      const testing::TestSuite &suite = *all.GetTestSuite(s);
      for (int t = 0; t < suite.total_test_count(); t++) {
        const auto name = ContractName(*suite.GetTestInfo(t));
        if (Covers(row, name.first, name.second))
          return true;
      }
    }
    return false;
  };
  for (const Row &row : kApi)
    EXPECT_TRUE(named(row)) << row.suite << "." << row.test;
  for (const Row &row : kOurs)
    EXPECT_TRUE(named(row)) << row.suite << "." << row.test;
}

}  // namespace

const char *StandardPythonLeavesOut(std::string_view suite, std::string_view test) {
  return Find(kApi, suite, test);
}

const char *OurPythonLeavesOut(std::string_view suite, std::string_view test) {
  const char *why = StandardPythonLeavesOut(suite, test);
  return why != nullptr ? why : Find(kOurs, suite, test);
}

}  // namespace contract
