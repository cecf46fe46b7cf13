typedef int rpc_transfer_later;
