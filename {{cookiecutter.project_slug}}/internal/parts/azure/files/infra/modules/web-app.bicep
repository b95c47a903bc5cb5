// The service as a web app with the slot `staging`, and what the identities of both may do: pull
// images, read secrets of the service and assets of the registry, and keep predictions.
// `make deploy-web-app` says which image they run and with which settings.
param siteName string
param planName string
param planSize string
param vaultName string
param image string
param stagedImage string
param containerRegistryName string
param registryName string
param cosmosName string
param cosmosDatabase string
param cosmosContainer string
param location string
param project string

var acrPull = '7f951dda-4ed3-4680-a7ca-43fe172d538d'
var cosmosDataContributor = '00000000-0000-0000-0000-000000000002'
var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7'
var places = [
  'production'
  'staging'
]
var identities = [
  site.identity.principalId
  staging.identity.principalId
]

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  // checkov:skip=CKV_AZURE_225: zones need three machines: set `zoneRedundant` and `capacity`
  name: planName
  location: location
  tags: {
    project: project
  }
  kind: 'linux'
  sku: {
    name: planSize
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2024-04-01' = {
  // checkov:skip=CKV_AZURE_17: callers show a key or a token of Entra ID, which the service checks
  // checkov:skip=CKV_AZURE_212: one machine to begin with: set `capacity` of the plan's `sku`
  // checkov:skip=CKV_AZURE_222: it is what callers reach; the service asks who they are
  name: siteName
  location: location
  tags: {
    project: project // by which deploy-web-app knows it
  }
  kind: 'app,linux,container'
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: 'Enabled'
    siteConfig: {
      linuxFxVersion: 'DOCKER|${image}'
      acrUseManagedIdentityCreds: true
      alwaysOn: true
      detailedErrorLoggingEnabled: true
      ftpsState: 'Disabled'
      healthCheckPath: '/health'
      http20Enabled: true
      httpLoggingEnabled: true
      minTlsVersion: '1.2'
      remoteDebuggingEnabled: false
      requestTracingEnabled: true
      scmMinTlsVersion: '1.2'
    }
  }
}

resource staging 'Microsoft.Web/sites/slots@2024-04-01' = {
  // checkov:skip=CKV_AZURE_212: one machine to begin with: set `capacity` of the plan's `sku`
  // checkov:skip=CKV_AZURE_222: it is what callers reach; the service asks who they are
  parent: site
  name: 'staging'
  location: location
  tags: {
    project: project
  }
  kind: 'app,linux,container'
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: 'Enabled'
    siteConfig: {
      linuxFxVersion: 'DOCKER|${stagedImage}'
      acrUseManagedIdentityCreds: true
      alwaysOn: true
      detailedErrorLoggingEnabled: true
      ftpsState: 'Disabled'
      healthCheckPath: '/health'
      http20Enabled: true
      httpLoggingEnabled: true
      minTlsVersion: '1.2'
      remoteDebuggingEnabled: false
      requestTracingEnabled: true
      scmMinTlsVersion: '1.2'
    }
  }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  // checkov:skip=CKV_AZURE_109: hosted CI and people reach it from the internet; every request needs a token of Entra ID
  // checkov:skip=CKV_AZURE_189: hosted CI and people reach it from the internet; every request needs a token of Entra ID
  name: vaultName
  location: location
  tags: {
    project: project
  }
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
  }
}

resource containerRegistry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = {
  name: containerRegistryName
}

resource registry 'Microsoft.MachineLearningServices/registries@2025-06-01' existing = if (!empty(registryName)) {
  name: empty(registryName) ? 'none' : registryName
}

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' existing = if (!empty(cosmosName)) {
  name: empty(cosmosName) ? 'none' : cosmosName
}

resource images 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (place, index) in places: {
    name: guid(containerRegistry.id, site.id, place, acrPull)
    scope: containerRegistry
    properties: {
      principalId: identities[index]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
    }
  }
]

resource secrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (place, index) in places: {
    name: guid(vault.id, site.id, place, keyVaultSecretsUser)
    scope: vault
    properties: {
      principalId: identities[index]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    }
  }
]

resource assets 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (place, index) in places: if (!empty(registryName)) {
    name: guid(registry.id, site.id, place, reader)
    scope: registry
    properties: {
      principalId: identities[index]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', reader)
    }
  }
]

resource predictions 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = [
  for (place, index) in places: if (!empty(cosmosName)) {
    parent: cosmos
    name: guid(cosmos.id, site.id, place, cosmosDataContributor)
    properties: {
      principalId: identities[index]
      roleDefinitionId: '${cosmos.id}/sqlRoleDefinitions/${cosmosDataContributor}'
      scope: '${cosmos.id}/dbs/${cosmosDatabase}/colls/${cosmosContainer}'
    }
  }
]

output siteName string = site.name
output planName string = plan.name
output vaultName string = vault.name
output vaultUri string = vault.properties.vaultUri
