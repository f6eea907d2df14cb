# Which file may include which: cmake -DROOT=... -P check_includes.cmake prints every include that
# crosses a line and fails if there is one.
#
#   core <- config <- platforms <- { actors, net, storage, sim } <- app <- { tests, benchmarks }
#   core <- realtime <- { actors, net, storage }
#
# "A <- B": B may include A. actors, net and storage meet in core's ports only; so actors are tested
# without sockets, and hardly a file pays for the headers of both CAF and Beast.
cmake_minimum_required(VERSION 3.25)

# Folder, then the folders it may include besides itself. The longest match decides, and a folder
# stands for those below it, so `actors/runtime` here is stricter than `actors`.
set(arrows
  "core:"
  "config:core"
  "platforms:core config"
  "realtime:core"
  "actors/runtime:core config"
  "actors:core config platforms realtime"
  "net/auth:core config"
  "net/stream:core config"
  "net/webhook:core config net/auth"
  "net/http:core config net realtime"
  "net/outbound:core config"
  "net:core config realtime"
  "sim:core config platforms"
  "storage:core config realtime"
  "benchmarks/load:core config"
  "benchmarks/poll:core config platforms storage benchmarks/load"
  "app:core config platforms realtime actors net storage sim benchmarks/load benchmarks/poll"
  "benchmarks:core config platforms realtime actors net storage sim app"
  "tests:core config platforms realtime actors net storage sim app benchmarks")

# Library header, folders that may include it, and the endings of files that may (tests: any).
set(libraries
  "caf/:actors app tests benchmarks/micro:hpp cpp"
  "boost/asio:actors/runtime net sim app tests benchmarks:hpp cpp"
  "boost/beast:net sim tests:hpp cpp"
  "nlohmann/:config platforms realtime actors net storage sim app tests benchmarks:cpp"
  "simdjson:platforms realtime net storage tests benchmarks:hpp cpp"
  "boost/regex:realtime:cpp"
  "toml\\+\\+/:config platforms:cpp"
  "CLI/:app benchmarks:cpp"
  "curl/:net app tests benchmarks:hpp cpp"
  "sqlite3:storage tests benchmarks/micro:hpp cpp"
  "libpq-fe:storage/postgres tests:cpp"
  "pqxx/:storage/postgres tests:hpp cpp"
  "prometheus/:net app tests:hpp cpp")

function(is_below path folders out)
  set(${out} FALSE PARENT_SCOPE)
  foreach(folder ${folders})
    if(path MATCHES "^${folder}/")
      set(${out} TRUE PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# The folder of `arrows` that `path` belongs to, and what it may include.
function(arrows_of path out_folder out_allowed)
  set(best "")
  set(allowed "")
  foreach(arrow ${arrows})
    string(REGEX MATCH "^([^:]*):(.*)$" _ "${arrow}")
    set(folder ${CMAKE_MATCH_1})
    set(targets ${CMAKE_MATCH_2})
    string(LENGTH "${folder}" length)
    string(LENGTH "${best}" best_length)
    if(path MATCHES "^${folder}/" AND length GREATER best_length)
      set(best ${folder})
      string(REPLACE " " ";" allowed "${targets}")
    endif()
  endforeach()
  set(${out_folder} "${best}" PARENT_SCOPE)
  set(${out_allowed} "${allowed}" PARENT_SCOPE)
endfunction()

set(problems "")
set(file_count 0)
foreach(top core config platforms realtime actors net storage sim app benchmarks tests)
  file(GLOB_RECURSE paths RELATIVE ${ROOT} ${ROOT}/${top}/*.hpp ${ROOT}/${top}/*.cpp)
  foreach(path ${paths})
    if(path MATCHES "/(node_modules|build|CMakeFiles)/")
      continue()
    endif()
    math(EXPR file_count "${file_count} + 1")
    arrows_of(${path} folder allowed)
    file(STRINGS ${ROOT}/${path} lines REGEX "^[ \t]*#[ \t]*(include|pragma once)")
    set(seen_libraries "")
    set(has_guard FALSE)
    foreach(line ${lines})
      if(line MATCHES "pragma once")
        set(has_guard TRUE)
      elseif(line MATCHES "include[ \t]*\"([^\"]+)\"")
        set(included ${CMAKE_MATCH_1})
        arrows_of(${included} included_folder _)
        is_below(${included} "${folder};${allowed}" may)
        # `actors` may use its own `actors/runtime`; the way back is closed.
        if(NOT included_folder)
          list(APPEND problems "${path} includes \"${included}\": write the path from the root")
        elseif(NOT may)
          list(APPEND problems "${path} includes ${included}: ${folder} may not include ${included_folder}")
        endif()
      elseif(line MATCHES "include[ \t]*<([^>]+)>")
        set(included ${CMAKE_MATCH_1})
        foreach(library ${libraries})
          string(REGEX MATCH "^([^:]*):([^:]*):(.*)$" _ "${library}")
          set(prefix ${CMAKE_MATCH_1})
          string(REPLACE " " ";" homes "${CMAKE_MATCH_2}")
          string(REPLACE " " ";" endings "${CMAKE_MATCH_3}")
          if(included MATCHES "^${prefix}")
            list(APPEND seen_libraries ${prefix})
            is_below(${path} "${homes}" may)
            string(REGEX REPLACE ".*\\." "" ending ${path})
            if(NOT may)
              list(APPEND problems "${path} includes <${included}>: only ${homes} may")
            elseif(NOT path MATCHES "^tests/" AND NOT ending IN_LIST endings)
              list(APPEND problems "${path} includes <${included}>: only .${endings} files may")
            endif()
          endif()
        endforeach()
      endif()
    endforeach()
    if("caf/" IN_LIST seen_libraries AND "boost/beast" IN_LIST seen_libraries)
      list(APPEND problems "${path} includes CAF and Beast: one file pays for one of them")
    endif()
    if(path MATCHES "\\.hpp$" AND NOT has_guard)
      list(APPEND problems "${path} has no #pragma once")
    endif()
  endforeach()
endforeach()

if(file_count EQUAL 0)
  message(FATAL_ERROR "no source files below ${ROOT}")
endif()
if(problems)
  list(JOIN problems "\n  " text)
  message(FATAL_ERROR "forbidden includes (cmake/check_includes.cmake says why):\n  ${text}")
endif()
message(STATUS "includes of ${file_count} files are as they should be")
