// A key and a certificate for servers of tests.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace lapwing::testing {

template <class Write>
std::string pem_of(Write write) {
  std::unique_ptr<BIO, int (*)(BIO*)> out{BIO_new(BIO_s_mem()), BIO_free};
  write(out.get());
  char* text = nullptr;
  auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

/// A key and a certificate that nobody but itself vouches for.
struct identity {
  explicit identity(const char* alternative_name) {
    std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> pair{EVP_EC_gen("P-256"), EVP_PKEY_free};
    std::unique_ptr<X509, void (*)(X509*)> signed_one{X509_new(), X509_free};
    auto* x = signed_one.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, pair.get());
    auto* name = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("lapwing test"), -1, -1, 0);
    X509_set_issuer_name(x, name);
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name,
                                          alternative_name);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(x, pair.get(), EVP_sha256());
    key = pem_of([&](BIO* to) {
      PEM_write_bio_PrivateKey(to, pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    certificate = pem_of([&](BIO* to) { PEM_write_bio_X509(to, x); });
  }

  std::string key;
  std::string certificate;
};

/// A certificate in a file of its own, gone with the object.
struct certificate_file {
  explicit certificate_file(const std::string& pem)
    : path(std::filesystem::temp_directory_path()
           / ("lapwing-outbound-" + std::to_string(::getpid()) + ".pem")) {
    std::ofstream{path} << pem;
  }
  ~certificate_file() { std::filesystem::remove(path); }

  std::filesystem::path path;
};

} // namespace lapwing::testing
