# The program as people call it: exit codes, and what goes to which stream.
#   cmake -DLAPWING=build/release/lapwing -DSCRATCH=... -P command_line.cmake
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})
set(ENV{LAPWING_AUTH__JWT_SECRET} "0123456789abcdef0123456789abcdef")
unset(ENV{LAPWING_ADMIN_TOKEN})

# expect(CODE out|err PATTERN ARGUMENT...): the exit code, and a pattern in one of the streams.
function(expect code stream pattern)
  execute_process(COMMAND ${LAPWING} ${ARGN} WORKING_DIRECTORY ${SCRATCH} TIMEOUT 60
    RESULT_VARIABLE got OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(NOT got EQUAL code)
    message(SEND_ERROR "lapwing ${ARGN}: exit ${got} instead of ${code}: ${out}${err}")
  endif()
  if(NOT "${${stream}}" MATCHES "${pattern}")
    message(SEND_ERROR "lapwing ${ARGN}: no '${pattern}' in ${stream}: ${${stream}}")
  endif()
  if(NOT code EQUAL 0 AND NOT out STREQUAL "")
    message(SEND_ERROR "lapwing ${ARGN}: failed, but wrote a result: ${out}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()

# Help is a result and goes to standard output.
expect(0 out "Subcommands:" --help)
foreach(command node check-config token keys migrate reencrypt admin bench version)
  expect(0 out "Usage: lapwing ${command}" ${command} --help)
endforeach()
expect(0 out "^lapwing [0-9]+\\.[0-9]+\\.[0-9]+\n" version)

# Wrong use.
expect(2 err "subcommand is required")
expect(2 err "no command \"chekc-config\"; did you mean `lapwing check-config`" chekc-config)
expect(2 err "--user is required" token)
expect(2 err "--user" token --user "a b")
expect(2 err "--ttl: give a duration" token --user ann --ttl 5)
expect(2 err "role" token --user ann --role king)
expect(2 err "--rooms" token --user ann --rooms "a b")
expect(2 err "excludes" keys --json --env)
expect(2 err "session id" admin close-session ../x)
expect(2 err "loud" admin log-level loud)

# check-config.
file(WRITE ${SCRATCH}/good.toml "[node]\nthreads = 2\n")
file(WRITE ${SCRATCH}/bad.toml "[node]\nthread = 2\n[limits]\nbody = \"big\"\n")
expect(0 out "good.toml: no mistakes" check-config good.toml)
expect(1 err "bad.toml:2:1: node.thread: .*node.threads.*bad.toml:4:8: limits.body.*2 mistakes" check-config bad.toml)
expect(1 err "missing.toml: cannot be read" check-config missing.toml)
expect(0 out "\\[node\\]" check-config --print-sample)
file(WRITE ${SCRATCH}/sample.toml "${out}")
expect(0 out "# Configuration" check-config --print-docs)

# token: three parts, and only those.
expect(0 out "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\n$" token --user ann --ttl 30d --rooms a,news:* --config good.toml)

# keys: three forms.
expect(0 out "auth.jwt_secret +[A-Za-z0-9_-]+ " keys)
expect(0 out "LAPWING_AUTH__JWT_SECRET=" keys --env)
expect(0 out "" keys --json)
string(JSON secret GET "${out}" "webhooks.supabase.secret")
if(NOT secret MATCHES "^whsec_")
  message(SEND_ERROR "keys --json: ${secret}")
endif()

# migrate, twice, without any key for tokens.
unset(ENV{LAPWING_AUTH__JWT_SECRET})
expect(0 out "applied 0001" migrate --data ${SCRATCH}/data)
expect(0 out "nothing to do" migrate --data ${SCRATCH}/data)
# reencrypt: nothing to do is fine; without keys, or a database, it cannot be said.
set(ENV{ENCRYPTION_KEY} "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
expect(0 out "^0 secrets sealed with the newest key; nothing needs an older one\n$" reencrypt --data ${SCRATCH}/data)
expect(1 err "there is no directory .*/nowhere; name" reencrypt --data ${SCRATCH}/nowhere)
if(EXISTS ${SCRATCH}/nowhere)
  message(SEND_ERROR "reencrypt made a directory")
endif()
unset(ENV{ENCRYPTION_KEY})
expect(1 err "security.encryption_keys is empty" reencrypt --data ${SCRATCH}/data)
expect(1 err "was not applied" migrate --database-url postgresql://127.0.0.1:1/none)
expect(1 err "no key to check tokens with" token --user ann)

# admin: port 1 is nobody's.
expect(1 err "cannot reach a node at \"http://127.0.0.1:1\"" admin nodes --node http://127.0.0.1:1)
expect(1 err "cannot reach" admin --node http://127.0.0.1:1 user ann --json)
file(REMOVE_RECURSE ${SCRATCH})
