// Makes the golden tables beside it with RocksDB's SstFileWriter, one for each set of options:
//
//   make_foreign_tables DIR
//
// They are checked in, so that tests need no RocksDB; made anew, they differ in their times and
// ids.
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

#include "tests/lsm/table/data/contents.h"

namespace {

using rocksdb::BlockBasedTableOptions;

// Two partitions and many blocks, even in so small a table.
struct Settings {
  rocksdb::Options options;
  BlockBasedTableOptions table;
  bool block_based = true;

  Settings() {
    options.db_host_id = "";  // else the name of this machine is in the table
    table.block_size = 256;
    table.metadata_block_size = 128;
  }
};

void Check(const rocksdb::Status& status, const std::string& what) {
  if (!status.ok()) {
    std::cerr << what << ": " << status.ToString() << "\n";
    std::exit(1);
  }
}

using Change = std::function<void(Settings*)>;
using Write = std::function<void(rocksdb::SstFileWriter*)>;

void WriteContents(rocksdb::SstFileWriter* writer) {
  for (const auto& [key, value] : fathom::GoldenContents()) {
    Check(value.has_value() ? writer->Put(key, *value) : writer->Delete(key), "write");
  }
}

void WriteOne(rocksdb::SstFileWriter* writer) { Check(writer->Put("key", "value"), "write"); }

void Make(const std::string& path, const Change& change, const Write& write = WriteContents) {
  Settings settings;
  change(&settings);
  if (settings.block_based) {
    settings.options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(settings.table));
  }
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), settings.options);
  Check(writer.Open(path), path);
  write(&writer);
  Check(writer.Finish(), path);
}

void MakeReadable(const std::string& dir) {
  Make(dir + "default.sst", [](Settings*) {});
  Make(dir + "v2_crc32c_none.sst", [](Settings* s) {
    s->table.format_version = 2;
    s->table.checksum = rocksdb::kCRC32c;
    s->options.compression = rocksdb::kNoCompression;
  });
  Make(dir + "v3_xxhash_lz4.sst", [](Settings* s) {
    s->table.format_version = 3;
    s->table.checksum = rocksdb::kxxHash;
    s->options.compression = rocksdb::kLZ4Compression;
  });
  Make(dir + "v4_xxhash64_zstd.sst", [](Settings* s) {
    s->table.format_version = 4;
    s->table.checksum = rocksdb::kxxHash64;
    s->options.compression = rocksdb::kZSTD;
  });
  Make(dir + "v5_lz4hc_delta_index_filter.sst", [](Settings* s) {
    s->options.compression = rocksdb::kLZ4HCCompression;
    s->table.index_block_restart_interval = 5;
    s->table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  });
  Make(dir + "no_shortening_ribbon.sst", [](Settings* s) {
    s->table.index_shortening = BlockBasedTableOptions::IndexShorteningMode::kNoShortening;
    s->table.filter_policy.reset(rocksdb::NewRibbonFilterPolicy(10));
    s->table.block_restart_interval = 3;
  });
  Make(dir + "partitioned_index_and_filter.sst", [](Settings* s) {
    s->table.index_type = BlockBasedTableOptions::kTwoLevelIndexSearch;
    s->table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    s->table.partition_filters = true;
    s->table.index_block_restart_interval = 3;
  });
  Make(dir + "hash_index.sst", [](Settings* s) {
    s->options.prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(6));
    s->table.index_type = BlockBasedTableOptions::kHashSearch;
  });
  Make(dir + "index_with_first_key.sst", [](Settings* s) {
    s->table.index_type = BlockBasedTableOptions::kBinarySearchWithFirstKey;
    s->table.index_block_restart_interval = 4;
  });
  Make(dir + "hash_in_data_blocks.sst", [](Settings* s) {
    s->table.data_block_index_type = BlockBasedTableOptions::kDataBlockBinaryAndHash;
  });
  Make(dir + "aligned_blocks.sst", [](Settings* s) {
    s->options.compression = rocksdb::kNoCompression;
    s->table.block_align = true;
  });
}

void MakeWithRangeDeletions(const std::string& dir) {
  const auto as_is = [](Settings*) {};
  const auto delete_ranges = [](rocksdb::SstFileWriter* writer) {
    for (const auto& [begin, end] : fathom::kGoldenRanges) {
      Check(writer->DeleteRange(begin, end), "delete range");
    }
  };
  Make(dir + "range_deletions.sst", as_is, [&](rocksdb::SstFileWriter* writer) {
    WriteContents(writer);
    delete_ranges(writer);
  });
  Make(dir + "range_deletions_alone.sst", as_is, delete_ranges);
}

void MakeRefused(const std::string& dir) {
  const auto as_is = [](Settings*) {};
  Make(
      dir + "refused_v0.sst",
      [](Settings* s) {
        s->table.format_version = 0;
        s->table.checksum = rocksdb::kCRC32c;
      },
      WriteOne);
  Make(
      dir + "refused_v1.sst", [](Settings* s) { s->table.format_version = 1; }, WriteOne);
  Make(
      dir + "refused_no_checksum.sst",
      [](Settings* s) { s->table.checksum = rocksdb::kNoChecksum; }, WriteOne);
  Make(dir + "refused_zlib.sst",
       [](Settings* s) { s->options.compression = rocksdb::kZlibCompression; });
  Make(dir + "refused_bzip2.sst",
       [](Settings* s) { s->options.compression = rocksdb::kBZip2Compression; });
  Make(dir + "refused_dictionary.sst", [](Settings* s) {
    s->options.compression = rocksdb::kZSTD;
    s->options.compression_opts.max_dict_bytes = 256;
  });
  Make(dir + "refused_merge.sst", as_is,
       [](rocksdb::SstFileWriter* writer) { Check(writer->Merge("key", "operand"), "merge"); });
  Make(
      dir + "refused_comparator.sst",
      [](Settings* s) { s->options.comparator = rocksdb::ReverseBytewiseComparator(); }, WriteOne);
  Make(
      dir + "refused_plain_table.sst",
      [](Settings* s) {
        s->block_based = false;
        s->options.prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(2));
        s->options.table_factory.reset(rocksdb::NewPlainTableFactory());
      },
      WriteOne);
  Make(
      dir + "refused_cuckoo_table.sst",
      [](Settings* s) {
        s->block_based = false;
        s->options.table_factory.reset(rocksdb::NewCuckooTableFactory());
      },
      WriteOne);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: make_foreign_tables DIR\n";
    return 2;
  }
  const std::string dir = std::string(argv[1]) + "/";
  MakeReadable(dir);
  MakeWithRangeDeletions(dir);
  MakeRefused(dir);
  return 0;
}
