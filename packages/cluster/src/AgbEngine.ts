/**
 * Databases of the engine. `SingleRunner` of @effect/cluster runs all in one process, over SQLite for example; several runners need a database
 * that several processes can use.
 *
 * @since 0.1.0
 */
import { ConfigurationError } from "@effect-agb/core/AgbError"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * Hands on a database that several runners can share, such as Postgres. Fails with `ConfigurationError` if it is SQLite: several processes
 * that write to one file lock each other out, and their workflows stand still.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerShared: Layer.Layer<SqlClient.SqlClient, ConfigurationError, SqlClient.SqlClient> = Layer.effect(
  SqlClient.SqlClient,
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.onDialectOrElse({
      sqlite: () =>
        Effect.fail(
          new ConfigurationError({
            field: "database",
            expected: "one that several runners can use: Postgres, not SQLite"
          })
        ),
      orElse: () => Effect.succeed(sql)
    }))
)
